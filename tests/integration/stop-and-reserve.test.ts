/** A stop or restart under way and a reservation that comes meanwhile, on the simulated cluster: one of the two waits. */

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const SETTINGS = "settings:\n  probe_seconds: 3600\n  deep_check_minutes: 0\n";

let demo: Demo;
afterEach(() => demo?.close());

interface Answer {
  readonly code?: string;
  readonly detail?: string;
  readonly token?: string;
  readonly job_id?: string | null;
}

async function post(path: string, body: object) {
  const answer = await demo.post(path, body);
  return { status: answer.status, body: (await answer.json()) as Answer };
}

const reserve = (more: object = {}, query = "") => post(`/api/swap/lock${query}`, { holder: "nightly", ...more });
const vllm = () => demo.cluster.nodes[0]!.docker.find("vllm_node")?.running ?? false;

async function serve(): Promise<void> {
  demo = await startDemo({ topology: (yaml) => `${yaml}${SETTINGS}` });
  await demo.swap("gpt-oss-20b");
}

/** A chat that goes on until it is left. */
async function longChat(): Promise<() => Promise<void>> {
  const gone = new AbortController();
  const answer = await fetch(`${demo.url}/v1/chat/completions`, {
    method: "POST",
    signal: gone.signal,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ model: "gpt-oss-20b", stream: true, max_tokens: 100_000, min_tokens: 100_000 },
      messages: [{ role: "user", content: "Tell me everything." }],
    }),
  });
  const ended = answer.text().catch(() => null);
  return async () => {
    gone.abort();
    await ended;
  };
}

/** A stop of the slot that waits for a chat in flight. */
async function beginStop(token?: string) {
  const leave = await longChat();
  const stopped = post("/api/services/main/stop", token === undefined ? {} : { lock_token: token });
  await until("the stop waits for the chat", () => demo.plane.slotStops.stopping.has("main"));
  return { leave, stopped };
}

describe("a stop of a slot that waits for requests", () => {
  test("lets nobody reserve until it has ended, nor for a swap that may go on", async () => {
    await serve();
    const { leave, stopped } = await beginStop();

    for (const scope of [{}, { slots: ["main"] }, { allow_running_swap: true }])
      expect(await reserve(scope)).toMatchObject({
        status: 409,
        body: { code: "stop_running", detail: expect.stringContaining("a stop of main"), lock: null },
      });
    const waiting = reserve({}, "?wait=60");
    await until("one waits", () => demo.plane.lock.waiting === 1);
    expect(vllm()).toBe(true);

    await leave();
    expect((await stopped).status).toBe(200);
    expect((await waiting).status).toBe(200);
    expect(vllm()).toBe(false);
  });

  test("lets no swap begin there, and the plan of one says why", async () => {
    await serve();
    const { leave, stopped } = await beginStop();

    expect(await post("/api/swap", { model: "gpt-oss-120b" })).toMatchObject({
      status: 409,
      body: { code: "slot_stopping", detail: expect.stringContaining("a stop of main") },
    });
    const { body } = await post("/api/swap/plan", { model: "gpt-oss-120b" });
    expect(body).toMatchObject({
      blockers: expect.arrayContaining([expect.objectContaining({ code: "slot_stopping" })]),
    });

    await leave();
    expect((await stopped).status).toBe(200);
    expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
  });

  test("under a reservation stops nothing once a person has ended that", async () => {
    await serve();
    const { token } = (await reserve()).body;
    const { leave, stopped } = await beginStop(token);

    const forced = await fetch(`${demo.url}/api/swap/lock?force=true`, { method: "DELETE" });
    expect(forced.status).toBe(200);

    expect(await stopped).toMatchObject({ status: 423, body: { code: "reservation_lost" } });
    expect(vllm()).toBe(true);
    expect((await reserve()).status).toBe(200);
    await leave();
    expect(demo.plane.slots.statuses()).toMatchObject([{ state: "serving", model: "gpt-oss-20b" }]);
  });

  test("goes on when its reservation only runs out, and nobody else gets one before its end", async () => {
    await serve();
    const { token } = (await reserve({ ttl_seconds: 1 })).body;
    const { leave, stopped } = await beginStop(token);
    await until("the reservation has run out", () => demo.plane.lock.current() === null);

    expect((await reserve()).body.code).toBe("stop_running");

    await leave();
    expect((await stopped).status).toBe(200);
    expect((await reserve()).status).toBe(200);
  });
});

describe("a held request", () => {
  test("for another model waits for the end of a stop, then loads it", async () => {
    demo = await startDemo({
      topology: (yaml) => `${yaml}${SETTINGS}  gateway_routing: hold\n  gateway_dwell_seconds: 0\n`,
    });
    await demo.swap("gpt-oss-20b");
    const { leave, stopped } = await beginStop();
    const held = fetch(`${demo.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-oss-120b", messages: [{ role: "user", content: "hi" }], max_tokens: 4 }),
    });
    await until("it is held", () => demo.plane.gateway.line.length === 1);

    await leave();
    expect((await stopped).status).toBe(200);
    expect((await held).status).toBe(200);
    expect(demo.plane.slots.statuses()).toMatchObject([{ model: "gpt-oss-120b" }]);
  });
});

/** In the file, past every gate. */
async function rename(): Promise<void> {
  const file = join(demo.dataDir, "topology.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("- name: main", "- name: chat"));
  await until("it has the other name", () => demo.plane.config.current.topology.slots[0]?.name === "chat");
}

test("a reserved slot that is renamed is reserved under its new name", async () => {
  await serve();
  const { token } = (await reserve({ slots: ["main"] })).body;
  await rename();

  const order = { model: "gpt-oss-120b", slot: "chat" };
  expect(await post("/api/swap", order)).toMatchObject({ status: 423, body: { code: "reserved" } });
  expect((await post("/api/swap", { ...order, lock_token: token })).status).toBe(202);
});

test("a slot that is renamed while it is being stopped is neither loaded, stopped nor reserved under its new name", async () => {
  await serve();
  const { leave, stopped } = await beginStop();
  await rename();

  const stopping = { status: 409, body: { code: "slot_stopping", detail: expect.stringContaining("a stop of main") } };
  expect(await post("/api/swap", { model: "gpt-oss-120b", slot: "chat" })).toMatchObject(stopping);
  await expect(demo.plane.slotStops.stop("chat", null, AbortSignal.timeout(5_000))).rejects.toMatchObject({
    code: "slot_stopping",
  });
  for (const scope of [{}, { slots: ["chat"] }])
    expect(await reserve(scope)).toMatchObject({ status: 409, body: { code: "stop_running" } });

  await leave();
  await stopped;
  expect(vllm()).toBe(false);
  expect((await reserve({ slots: ["chat"] })).status).toBe(200);
});

/** A service of one of the Sparks, the second unless told, whose stop takes until it is let go on. */
async function beside(kind: string, container: string, node = 1, others = "") {
  demo = await startDemo({
    topology: (yaml) => `${yaml}${SETTINGS}`,
    serviceFile: (yaml) =>
      `${yaml}  small: { kind: ${kind}, node: spark-${node + 1}, container: ${container}, port: 8111 }\n${others}`,
  });
  await demo.plane.services.look();
  const { docker } = demo.cluster.nodes[node]!;
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const stop = docker.stop.bind(docker);
  docker.stop = async (...how) => {
    asked.resolve();
    await goOn.promise;
    return stop(...how);
  };
  return { asked: asked.promise, goOn: goOn.resolve, find: () => docker.find(container) };
}

describe("a vLLM that is no slot", () => {
  for (const action of ["stop", "restart"])
    test(`is not reserved while its ${action} is under way`, async () => {
      const { asked, goOn, find } = await beside("vllm", "qdrant");
      const done = post(`/api/services/small/${action}`, {});
      await asked;

      expect(await reserve()).toMatchObject({
        status: 409,
        body: { code: "stop_running", detail: expect.stringContaining(`a ${action} of small`) },
      });

      goOn();
      expect((await done).status).toBe(200);
      expect(find()?.running).toBe(action === "restart");
      expect((await reserve()).status).toBe(200);
      expect(await post(`/api/services/small/restart`, {})).toMatchObject({ status: 423, body: { code: "reserved" } });
    });
});

describe("a controller that has lost a Spark to another", () => {
  for (const action of ["stop", "restart"])
    test(`does not ${action} a vLLM there, whatever it believes; a service of another kind it does`, async () => {
      const others = "  other: { kind: http, node: spark-2, container: reranker, port: 8112 }\n";
      const { goOn, find } = await beside("vllm", "qdrant", 1, others);
      goOn();
      const startedAt = find()?.startedAt;
      demo.cluster.nodes[1]!.jobs.instance = crypto.randomUUID();

      expect(await post(`/api/services/small/${action}`, {})).toMatchObject({ status: 409, body: { code: "fenced" } });
      expect([find()?.running, find()?.startedAt]).toEqual([true, startedAt]);
      expect((await post(`/api/services/other/${action}`, {})).status).toBe(200);
    });
});

describe("a reserved vLLM that is no slot", () => {
  const refused = { status: 423, body: { code: "reserved" } };
  const change = async (method: string, name: string, body?: object, token?: string) => {
    const answer = await fetch(`${demo.url}/api/settings/services/${name}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { "x-swap-lock-token": token }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify({ values: body }) }),
    });
    return { status: answer.status, body: (await answer.json()) as Answer };
  };

  for (const [same, entry] of [
    ["container", "container: qdrant, port: 8112"],
    ["port", "container: embeddings, port: 8111"],
  ])
    test(`is not stopped under another name with the same ${same}, hidden or not`, async () => {
      const { goOn, find } = await beside("vllm", "qdrant", 1, `  twin: { kind: http, node: spark-2, ${entry} }\n`);
      goOn();
      expect((await change("PATCH", "small", { disabled: true })).status).toBe(200);
      await reserve();

      for (const action of ["stop", "restart"]) {
        expect(await post(`/api/services/twin/${action}`, {})).toMatchObject(refused);
      }
      expect(find()?.running).toBe(true);
    });

  test("keeps its entry, unless the token is shown", async () => {
    const { goOn } = await beside("vllm", "qdrant");
    goOn();
    const { token } = (await reserve()).body;

    for (const values of [{ kind: "http" }, { container: "other" }, { port: 8113 }, { disabled: true }])
      expect(await change("PATCH", "small", values)).toMatchObject(refused);
    expect(await change("DELETE", "small")).toMatchObject(refused);
    expect(await post("/api/services/small/stop", {})).toMatchObject(refused);

    expect((await change("PATCH", "kokoro", { port: 8113 })).status).toBe(200);
    expect((await change("PATCH", "small", { port: 8114 }, token)).status).toBe(200);
    expect((await change("DELETE", "small", undefined, token)).status).toBe(200);
  });

  test("gives its entry free again with the end of the reservation", async () => {
    const { goOn } = await beside("vllm", "qdrant");
    goOn();
    const { token } = (await reserve()).body;
    expect(await change("PATCH", "small", { kind: "http" })).toMatchObject(refused);

    demo.plane.lock.release(token!);

    expect((await change("PATCH", "small", { kind: "http" })).status).toBe(200);
  });
});

test("a reserved slot keeps its Sparks, their addresses, its container and port in Set-up, unless the token is shown", async () => {
  await serve();
  type Setting = { readonly value: string | number | null };
  const { nodes, vllm } = (await (await fetch(`${demo.url}/api/setup`)).json()) as {
    nodes: { name: string; settings: Record<string, Setting> }[];
    vllm: Record<string, Setting>;
  };
  const values = (settings: Record<string, Setting>) =>
    Object.fromEntries(Object.entries(settings).map(([key, { value }]) => [key, value]));
  const now = { nodes: nodes.map(({ name, settings }) => ({ name, ...values(settings) })), vllm: values(vllm) };
  const save = async (entries: object, token?: string) => {
    const answer = await fetch(`${demo.url}/api/setup`, {
      method: "PUT",
      headers: { "content-type": "application/json", ...(token && { "x-swap-lock-token": token }) },
      body: JSON.stringify(entries),
    });
    return { status: answer.status, body: (await answer.json()) as Answer };
  };
  const { token } = (await reserve()).body;

  const [one, two] = now.nodes;
  const elsewhere = { ...now, nodes: [{ ...one!, host: "10.77.0.99" }, two] };
  for (const changed of [
    elsewhere,
    { ...now, nodes: [{ ...one!, name: "other" }, two] },
    { ...now, vllm: { ...now.vllm, port: 8999 } },
  ])
    expect(await save(changed)).toMatchObject({ status: 423, body: { code: "reserved" } });
  expect((await save(now)).status).toBe(200);
  expect((await save(elsewhere, token)).status).toBe(200);
});

test("nothing is loaded into a slot while its container is stopped under another name", async () => {
  const { asked, goOn } = await beside("vllm", "vllm_node", 0);
  await demo.swap("gpt-oss-20b");
  await demo.plane.services.look();
  const stopped = post("/api/services/small/stop", {});
  await asked;

  expect(await post("/api/swap", { model: "gpt-oss-120b" })).toMatchObject({
    status: 409,
    body: { code: "slot_stopping" },
  });

  goOn();
  expect((await stopped).status).toBe(200);
});

test("a slot's container under another name is the lock's matter too", async () => {
  await beside("http", "vllm_node", 0);
  await demo.swap("gpt-oss-20b");
  await demo.plane.services.look();
  await reserve();

  expect(await post("/api/services/small/stop", {})).toMatchObject({ status: 423, body: { code: "reserved" } });
});

test("a slot's container is not stopped or restarted under another name while a swap loads into it", async () => {
  const { find } = await beside("http", "vllm_node", 0);
  const { job_id } = (await post("/api/swap", { model: "gpt-oss-20b" })).body;
  await until("it loads", () => demo.plane.swaps.get(job_id!).state === "loading");
  await demo.plane.services.look();

  for (const action of ["stop", "restart"])
    expect(await post(`/api/services/small/${action}`, {})).toMatchObject({
      status: 409,
      body: { code: "swap_running", job_id },
    });

  expect(await demo.plane.swaps.settled(job_id!)).toMatchObject({ state: "ready" });
  expect(find()?.running).toBe(true);
});

test("who waits for the whole cluster gets it after the swap that runs, whatever else is asked for meanwhile", async () => {
  await serve();
  const { job_id } = (await post("/api/swap", { model: "gpt-oss-120b" })).body;
  const waiting = reserve({}, "?wait=60");
  await until("one waits", () => demo.plane.lock.waiting === 1);

  const next = {
    status: 409,
    body: { code: "others_first", detail: expect.stringContaining("nightly waits in line") },
  };
  expect(await post("/api/swap", { model: "gpt-oss-20b" })).toMatchObject(next);
  expect(await post("/api/services/main/restart", {})).toMatchObject({ status: 409 });
  const { body } = await post("/api/swap/plan", { model: "gpt-oss-20b" });
  expect(body).toMatchObject({ blockers: expect.arrayContaining([expect.objectContaining({ code: "others_first" })]) });

  expect((await waiting).status).toBe(200);
  expect(demo.plane.swaps.get(job_id!)).toMatchObject({ state: "ready" });
});
