/** Webhooks of real swaps, through the API. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Delivery, Webhook } from "../../lib/webhook/webhook.ts";
import { officialVerify, type Receiver, startReceiver } from "../lib/webhook/_receiver.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(90_000);

let demo: Demo;
const receivers: Receiver[] = [];
afterEach(async () => {
  await demo?.close();
  for (const receiver of receivers.splice(0)) receiver[Symbol.dispose]();
});

function receive(): Receiver {
  const receiver = startReceiver();
  receivers.push(receiver);
  return receiver;
}

async function add(body: Record<string, unknown>): Promise<Webhook> {
  const answer = await demo.post("/api/webhooks", body);
  expect(answer.status).toBe(201);
  return (await answer.json()) as Webhook;
}

const told = ({ received }: Receiver) =>
  received.map(({ body }) => JSON.parse(body) as { event: string; data: Record<string, unknown> });

describe("a swap tells", () => {
  test("when it starts and how it ends; one that went back has failed", async () => {
    demo = await startDemo({ takenForReal: true });
    const receiver = receive();
    await add({ url: receiver.url, secret: "hunter2!", events: ["swap_started", "swap_complete", "swap_failed"] });

    const first = await demo.swap("gpt-oss-20b");
    demo.cluster.inject({ kind: "out_of_memory", times: 1 });
    const second = await demo.swap("glm-4.5-air");
    await until("all four arrive", () => receiver.received.length === 4);

    expect(second).toMatchObject({ state: "failed", rolled_back_to: "gpt-oss-20b" });
    expect(told(receiver)).toMatchObject([
      { event: "swap_started", data: { job_id: first.job_id, model: "gpt-oss-20b" } },
      { event: "swap_complete", data: { job_id: first.job_id, generation: first.generation } },
      { event: "swap_started", data: { job_id: second.job_id } },
      {
        event: "swap_failed",
        data: { job_id: second.job_id, failure_code: "out_of_memory", rolled_back_to: "gpt-oss-20b" },
      },
    ]);
    for (const each of receiver.received) expect(officialVerify("hunter2!", each)).toBeDefined();
  });

  test("without waiting for receivers that hang", async () => {
    demo = await startDemo({ takenForReal: true });
    const seconds = async (model: string) => {
      const began = performance.now();
      expect(await demo.swap(model)).toMatchObject({ state: "ready" });
      return (performance.now() - began) / 1000;
    };
    await seconds("gpt-oss-20b");
    const several = async () => {
      const all: number[] = [];
      for (const model of ["qwen3-30b-a3b", "gpt-oss-20b", "qwen3-30b-a3b", "gpt-oss-20b"])
        all.push(await seconds(model));
      return all;
    };
    const free = await several();

    const hung = [receive(), receive(), receive()];
    for (const receiver of hung) {
      receiver.answer = () => new Promise(() => undefined);
      await add({ url: receiver.url, events: ["*"] });
    }
    const held = await several();

    const rounded = (all: number[]) => all.map((one) => one.toFixed(2)).join(", ");
    console.log(`seconds of a swap: ${rounded(free)}; with three receivers that hang: ${rounded(held)}`);
    expect(hung.map(({ received }) => received.length)).toEqual([1, 1, 1]);
    // A swap that waited for a receiver would wait for its deadline of 10 s; the quickest of four is hardly the machine's noise.
    expect(Math.min(...held)).toBeLessThan(Math.min(...free) * 1.5 + 0.2);
  });
});

test("a model that no longer answers is told, and that the next one does", async () => {
  demo = await startDemo({ takenForReal: true, outageLastsMs: 100 });
  const receiver = receive();
  await add({ url: receiver.url, events: ["service_down", "service_up"] });
  demo.cluster.inject({ kind: "dies_after_ready", seconds: 900, times: 1 });

  const { model } = await demo.swap("gpt-oss-20b");
  await until("its end is told", () => receiver.received.length === 1, 40_000);
  await demo.swap("qwen3-30b-a3b");
  await until("that the next answers is told", () => receiver.received.length === 2, 40_000);

  expect(told(receiver)).toMatchObject([
    { event: "service_down", data: { service: "main", model } },
    { event: "service_up", data: { service: "main", model: "qwen3-30b-a3b" } },
  ]);
});

test("from the simulated cluster no webhook leaves, and the log says so", async () => {
  demo = await startDemo();
  const receiver = receive();
  const { id } = await add({ url: receiver.url, events: ["*"] });

  await demo.swap("gpt-oss-20b");
  expect((await demo.post(`/api/webhooks/${id}/test`, {})).status).toBe(202);

  const answer = await fetch(`${demo.url}/api/webhooks/${id}/deliveries`);
  const { deliveries } = (await answer.json()) as { deliveries: Delivery[] };
  expect(deliveries.map(({ event, state }) => [event, state])).toEqual([
    ["test", "suppressed"],
    ["swap_complete", "suppressed"],
    ["swap_started", "suppressed"],
  ]);
  expect((await (await fetch(`${demo.url}/api/webhooks`)).json()) as object).toMatchObject({ suppressed: true });
  expect(receiver.received).toEqual([]);
});
