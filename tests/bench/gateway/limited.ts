/** What happens at a gateway that is asked for more than it may send on: four times too much, and a flood beside a single request. */
import type { Result } from "../figure.ts";
import { percentile } from "../statistics.ts";

/** Of the stand-in for `"slow":true`. */
const SERVICE_MS = 100;
const IN_FLIGHT = 16;
export const LIMITED = `gateway_chat_in_flight: ${IN_FLIGHT}, gateway_chat_queue: ${IN_FLIGHT}`;
const TIMES = 4;
const FOR_MS = 4_000;
const FLOOD = IN_FLIGHT + 10;
const SINGLES = 20;

const BODY = '{"model":"bench","slow":true,"messages":[]}';

interface Asked {
  readonly status: number;
  readonly tookMs: number;
}

async function ask(port: number, key: string): Promise<Asked> {
  const began = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: BODY,
  });
  await answer.arrayBuffer();
  return { status: answer.status, tookMs: performance.now() - began };
}

/** Requests that come at four times the rate that the service can do, whether or not earlier ones were answered. */
export async function overload(port: number): Promise<Result[]> {
  const perMs = (IN_FLIGHT / SERVICE_MS) * TIMES;
  const asked: Promise<Asked | null>[] = [];
  const began = performance.now();
  while (performance.now() - began < FOR_MS) {
    const due = (performance.now() - began) * perMs;
    while (asked.length < due) asked.push(ask(port, `key-${asked.length % 50}`).catch(() => null));
    await Bun.sleep(1);
  }
  const answers = (await Promise.all(asked)).flatMap((one) => one ?? []);
  const refused = answers.filter(({ status }) => status === 503).map(({ tookMs }) => tookMs);
  const served = answers.filter(({ status }) => status === 200).length;
  if (refused.length + served !== answers.length) throw new Error("an answer was neither 200 nor 503");
  return [
    {
      name: "4 × overload: requests without an answer",
      unit: "%",
      values: [(1 - answers.length / asked.length) * 100],
      bar: { atMost: 0 },
    },
    {
      name: "4 × overload: served of what could be",
      unit: "×",
      values: [served / ((perMs / TIMES) * FOR_MS)],
      bar: null,
    },
    { name: "4 × overload: refused after, p99", unit: "ms", values: [percentile(refused, 0.99)], bar: { below: 50 } },
    { name: "4 × overload: refused after, at most", unit: "ms", values: [Math.max(...refused)], bar: null },
  ];
}

/** One caller keeps more requests going than there are places; another asks one at a time. */
export async function fairness(port: number): Promise<Result[]> {
  let isOver = false;
  const flood = Array.from({ length: FLOOD }, async () => {
    while (!isOver) await ask(port, "flood");
  });
  await Bun.sleep(SERVICE_MS * 3);
  const waits: number[] = [];
  for (let count = 0; count < SINGLES; count++) {
    const { status, tookMs } = await ask(port, "single");
    if (status !== 200) throw new Error(`the single request got ${status}`);
    waits.push((tookMs - SERVICE_MS) / SERVICE_MS);
    await Bun.sleep(SERVICE_MS * Math.random());
  }
  isOver = true;
  await Promise.all(flood);
  return [
    {
      name: "beside a flood a single request waits, service times",
      unit: "×",
      values: [percentile(waits, 0.5)],
      bar: { below: 1.1 },
    },
    {
      name: "beside a flood a single request waits, at most, service times",
      unit: "×",
      values: [Math.max(...waits)],
      bar: null,
    },
  ];
}
