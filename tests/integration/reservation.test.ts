/** The reservation in front of real swaps on the simulated cluster: who may swap, cancel and plan, and what becomes of running swaps. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Lock } from "../../lib/lock/lock.ts";
import type { Status } from "../../lib/status.ts";
import type { Plan, SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

/** Slow enough that a reservation of a second is over before a swap is. */
const SPEED = 50;
const MODEL = "gpt-oss-20b";
const OTHER = "qwen3-30b-a3b";

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo({ speed: SPEED });
});
afterAll(() => demo.close());
afterEach(async () => {
  await fetch(`${demo.url}/api/swap/lock?force=true`, { method: "DELETE" });
  for (const job of demo.plane.swaps.active()) await demo.plane.swaps.settled(job.job_id);
});

interface Grant extends Lock {
  readonly token: string;
}

async function reserve(more: Record<string, unknown> = {}): Promise<Grant> {
  const answer = await demo.post("/api/swap/lock", { holder: "nightly", ...more });
  if (answer.status !== 200) throw new Error(`POST /api/swap/lock answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Grant;
}

async function swap(
  model: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
  query = "",
) {
  const answer = await fetch(`${demo.url}/api/swap${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, ...more }),
  });
  return { status: answer.status, body: (await answer.json()) as SwapJob & { code: string; lock: Lock | null } };
}

async function cancel(id: string, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { "x-swap-lock-token": token };
  const answer = await fetch(`${demo.url}/api/swap/${id}`, { method: "DELETE", headers });
  return { status: answer.status, body: (await answer.json()) as SwapJob & { code: string } };
}

const stateOf = (id: string) => demo.plane.swaps.get(id).state;

test("without the token no swap starts, from nowhere; a dry run and the plan say why", async () => {
  const { token, generation } = await reserve({ note: "until 03:00" });

  for (const headers of [{}, { "user-agent": "Mozilla/5.0", "sec-fetch-site": "same-origin" }]) {
    const refused = await swap(MODEL, {}, headers);
    expect([refused.status, refused.body.code]).toEqual([423, "reserved"]);
    expect(refused.body.lock).toMatchObject({ holder: "nightly", note: "until 03:00", generation });
  }
  expect(await swap(MODEL, { lock_token: "wrong" })).toMatchObject({ status: 423, body: { lock: { generation } } });
  expect(demo.plane.swaps.active()).toEqual([]);

  const dry = await swap(MODEL, { dry_run: true });
  expect([dry.status, (dry.body as unknown as { plan: Plan }).plan.blockers.map(({ code }) => code)]).toEqual([
    200,
    ["reserved"],
  ]);
  const mine = await swap(MODEL, { dry_run: true, token });
  expect((mine.body as unknown as { plan: Plan }).plan.blockers).toEqual([]);
  const status = (await (await fetch(`${demo.url}/api/status`)).json()) as Status;
  expect(status.lock).toMatchObject({ holder: "nightly", generation });
});

test.each<[string, (token: string) => Parameters<typeof swap>]>([
  ["body field lock_token", (token) => [MODEL, { lock_token: token }]],
  ["body field token", (token) => [MODEL, { token }]],
  ["header", (token) => [MODEL, {}, { "X-Swap-Lock-Token": token }]],
  ["query", (token) => [MODEL, {}, {}, `?token=${token}`]],
])("with the token as %s it starts, and its generation is above the reservation's", async (_, order) => {
  const { token, generation } = await reserve();

  const { status, body } = await swap(...order(token));

  expect(status).toBe(202);
  expect(body.generation).toBeGreaterThan(generation);
  expect((await cancel(body.job_id, token)).status).toBe(202);
});

test("a second swap under the reservation is 409, without the token it is 423", async () => {
  const { token } = await reserve();
  const { body } = await swap(MODEL, { token });

  expect(await swap(OTHER, { token })).toMatchObject({ status: 409, body: { job_id: body.job_id } });
  expect(await swap(OTHER)).toMatchObject({ status: 423, body: { code: "reserved" } });
  await cancel(body.job_id, token);
});

test("release and expiry leave a claimed swap alone; it ends, and owns its slot until then", async () => {
  const { token } = await reserve({ ttl_seconds: 1 });
  const first = await swap(MODEL, { token });
  await until("the reservation is over", () => demo.plane.lock.current() === null);
  expect(await swap(OTHER)).toMatchObject({ status: 409, body: { job_id: first.body.job_id } });
  // What the holder shows from before is worth nothing any more, also while nobody else holds anything.
  expect(await swap(OTHER, { token })).toMatchObject({ status: 423, body: { code: "reservation_lost", lock: null } });
  expect(await demo.plane.swaps.settled(first.body.job_id)).toMatchObject({ state: "ready" });

  const again = await reserve();
  const second = await swap(OTHER, { token: again.token });
  await fetch(`${demo.url}/api/swap/lock`, { method: "DELETE", headers: { "X-Swap-Lock-Token": again.token } });
  expect(await demo.plane.swaps.settled(second.body.job_id)).toMatchObject({ state: "ready" });
});

test("a cancel needs the token while it is reserved, whoever began the swap; force is the way", async () => {
  const before = await swap(MODEL);
  expect(await demo.post("/api/swap/lock", { holder: "nightly" }).then((answer) => answer.json())).toMatchObject({
    code: "swap_running",
    job_id: before.body.job_id,
  });
  await reserve({ allow_running_swap: true });

  const refused = await cancel(before.body.job_id);
  expect([refused.status, refused.body.code]).toEqual([423, "reserved"]);
  await fetch(`${demo.url}/api/swap/lock?force=true`, { method: "DELETE" });
  // It was not claimed under the reservation: force ends the reservation only.
  expect(demo.plane.swaps.get(before.body.job_id).ended_at).toBeNull();
  expect((await cancel(before.body.job_id)).status).toBe(202);
});

test("force ends a swap of the reservation that has stopped nothing, and spares one that has", async () => {
  expect(await demo.swap(MODEL)).toMatchObject({ state: "ready" });
  const { token } = await reserve();
  const { body } = await swap(OTHER, { token });
  await until("it stops", () => !["planned", "draining"].includes(stateOf(body.job_id)));
  await fetch(`${demo.url}/api/swap/lock?force=true`, { method: "DELETE" });
  expect(await demo.plane.swaps.settled(body.job_id)).toMatchObject({ state: "ready" });

  const next = await reserve();
  const early = await swap(MODEL, { token: next.token });
  expect(stateOf(early.body.job_id)).toBe("planned");
  await fetch(`${demo.url}/api/swap/lock?force=true&generation=${next.generation}`, { method: "DELETE" });
  expect(await demo.plane.swaps.settled(early.body.job_id)).toMatchObject({ state: "cancelled" });
  expect(demo.plane.slots.statuses()[0]).toMatchObject({ model: OTHER });
});

test("one who waits gets it when the swap has ended", async () => {
  const { body } = await swap(MODEL);
  const waiting = demo.post("/api/swap/lock?wait=60", { holder: "Bob" });
  await until("it waits", () => demo.plane.lock.waiting === 1);
  expect(demo.plane.lock.current()).toBeNull();

  const granted = await (await waiting).json();

  expect(granted).toMatchObject({ held: true, holder: "Bob" });
  expect(demo.plane.swaps.get(body.job_id).ended_at).not.toBeNull();
});

test("a reservation outlives the controller, its token too", async () => {
  const { token, generation, expires_at } = await reserve();

  await demo.restart();

  expect(demo.plane.lock.current()).toMatchObject({ generation, expires_at });
  expect((await swap(MODEL)).status).toBe(423);
  const { status, body } = await swap(MODEL, { token });
  expect(status).toBe(202);
  await cancel(body.job_id, token);
});

test("of many who ask at once one gets it", async () => {
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, index) => demo.post("/api/swap/lock", { holder: `client ${index}` })),
  );

  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(31).fill(409)]);
});
