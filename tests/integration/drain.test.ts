/** A swap and requests that do not end in time: it asks, and nothing is cut off that nobody wanted cut off. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Drain } from "../../lib/swap/drain-desk.ts";
import type { Plan, SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

const OLD = "qwen3-30b-a3b";
const NEW = "gpt-oss-20b";
const LIMIT_MS = 60_000;
let demo: Demo;

beforeAll(async () => {
  demo = await startDemo({ speed: 100, topology: (yaml) => `${yaml}settings:\n  drain_seconds: 1\n` });
  expect((await demo.swap(OLD)).state).toBe("ready");
}, LIMIT_MS);
afterAll(() => demo.close());

/** A chat that goes on for half a minute. @returns how it ended */
async function longChat(model = OLD): Promise<{ ended: Promise<string>; leave(): void }> {
  const abort = new AbortController();
  const long = { stream: true, max_tokens: 100_000, min_tokens: 100_000 };
  const messages = [{ role: "user", content: "x" }];
  const answer = await fetch(`${demo.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, messages, ...long }),
    signal: abort.signal,
  });
  expect(answer.status).toBe(200);
  const ended = answer.text().then(
    (text) => text.slice(-300),
    () => "left",
  );
  return { ended, leave: () => abort.abort() };
}
const jobOf = async (id: string) => (await (await fetch(`${demo.url}/api/swap/${id}`)).json()) as SwapJob;
const begin = async (more = {}) =>
  ((await (await demo.post("/api/swap", { model: NEW, ...more })).json()) as SwapJob).job_id;
const answer = (id: string, said: string) => demo.post(`/api/swap/${id}/drain`, { answer: said });
async function drainOf(id: string, fits: (drain: Drain) => boolean): Promise<Drain> {
  let found: Drain | null | undefined;
  await until("the wait is shown", async () => {
    found = (await jobOf(id)).drain;
    return found !== null && found !== undefined && fits(found);
  });
  return found!;
}

test(
  "the plan says what will happen to requests in flight",
  async () => {
    const chat = await longChat();
    const plan = (await (await demo.post("/api/swap/plan", { model: NEW })).json()) as Plan;
    const sure = (await (
      await demo.post("/api/swap/plan", { model: NEW, drain_on_timeout: "cut_off" })
    ).json()) as Plan;
    chat.leave();
    await chat.ended;

    expect(plan.drain).toEqual({ requests: 1, seconds: 1, on_timeout: "ask" });
    expect(plan.summary).toContain(
      "1 request is still running. It finishes first, for at most 1 s; then it asks whether to cut off what still runs.",
    );
    expect(sure.drain.on_timeout).toBe("cut_off");
  },
  LIMIT_MS,
);

test(
  "a swap asks when its patience is over; one that is cancelled then has stopped nothing",
  async () => {
    const chat = await longChat();
    const id = await begin();
    const asked = await drainOf(id, ({ asks }) => asks);
    const cancelled = await fetch(`${demo.url}/api/swap/${id}`, { method: "DELETE" });

    expect(asked).toMatchObject({ remaining: 1, on_timeout: "ask" });
    expect(cancelled.status).toBe(202);
    expect(await demo.plane.swaps.settled(id)).toMatchObject({ state: "cancelled", drain: null });
    expect(demo.plane.gateway.inFlight("main")).toBe(1);
    chat.leave();
    expect(await chat.ended).toBe("left");
  },
  LIMIT_MS,
);

test(
  "one that is to fail fails, and says why",
  async () => {
    const chat = await longChat();
    const id = await begin({ drain_on_timeout: "fail" });
    const job = await demo.plane.swaps.settled(id);
    const said = await answer(id, "cut_off");
    chat.leave();
    await chat.ended;

    expect(job).toMatchObject({ state: "failed", failure: { code: "drain_timeout" } });
    expect(job.reason).toMatch(/^1 request is still running after \d+ s\. Nothing was stopped\.$/);
    expect(said.status).toBe(409);
    expect(await said.json()).toMatchObject({ code: "not_draining", job_id: id });
  },
  LIMIT_MS,
);

test(
  "told to wait it waits, asks again, and cuts off when that is said; the client is told of the break",
  async () => {
    const chat = await longChat();
    const id = await begin();
    await drainOf(id, ({ asks }) => asks);
    const waits = await answer(id, "keep_waiting");
    await drainOf(id, ({ asks }) => !asks);
    await drainOf(id, ({ asks }) => asks);
    const refused = await answer(id, "perhaps");
    const cut = await answer(id, "cut_off");
    const job = await demo.plane.swaps.settled(id);

    expect([waits.status, refused.status, cut.status]).toEqual([202, 422, 202]);
    expect(job).toMatchObject({ state: "ready", model: NEW, drain: null });
    expect(await chat.ended).toContain("event: error");
    const log = await (await fetch(`${demo.url}/api/swap/${id}/log`)).text();
    expect(log).toMatch(/1 request is still running after \d+ s; cut off, as was asked for\./);
    const audit = await (await fetch(`${demo.url}/api/audit?action=answerDrain&outcome=done`)).json();
    expect(audit).toMatchObject({
      entries: [{ details: { answer: "cut_off" } }, { details: { answer: "keep_waiting" } }],
    });
  },
  LIMIT_MS,
);

test(
  "a stop without a swap waits as long, and says how many it has cut off",
  async () => {
    expect((await demo.swap(NEW)).state).toBe("ready");
    const chat = await longChat(NEW);
    const stopped = await demo.post("/api/services/main/stop", {});

    expect([stopped.status, await stopped.json()]).toEqual([200, expect.objectContaining({ cut_off: 1 })]);
    expect(await chat.ended).toContain("event: error");
    expect((await demo.swap(NEW)).state).toBe("ready");
  },
  LIMIT_MS,
);

test(
  "while the slot is reserved an answer needs the token",
  async () => {
    const lock = (await (await demo.post("/api/swap/lock", { holder: "nightly", ttl_seconds: 600 })).json()) as {
      token: string;
    };
    const chat = await fetch(`${demo.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({
        model: NEW,
        messages: [{ role: "user", content: "x" }],
        stream: true,
        min_tokens: 100_000,
        max_tokens: 100_000,
      }),
    });
    const text = chat.text().catch(() => "left");
    const id = await begin({ model: OLD, token: lock.token });
    await drainOf(id, ({ asks }) => asks);
    const refused = await answer(id, "cut_off");
    const allowed = await fetch(`${demo.url}/api/swap/${id}/drain`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-swap-lock-token": lock.token },
      body: JSON.stringify({ answer: "cut_off" }),
    });

    expect([refused.status, allowed.status]).toEqual([423, 202]);
    expect((await demo.plane.swaps.settled(id)).state).toBe("ready");
    await text;
  },
  LIMIT_MS,
);
