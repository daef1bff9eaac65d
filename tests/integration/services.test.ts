/** Services through the API, on the simulated cluster: what is done to them is looked for in their containers. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { DeepCheck, Service } from "../../lib/service/service.ts";
import { readEvents } from "../bench/event-stream.ts";
import { type Receiver, startReceiver } from "../lib/webhook/_receiver.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
const receivers: Receiver[] = [];
afterEach(async () => {
  await demo?.close();
  for (const receiver of receivers.splice(0)) receiver[Symbol.dispose]();
});

/** Nobody looks but the test itself, unless it says otherwise. */
async function begin(options: DemoOptions = {}, probeSeconds = 3600): Promise<void> {
  const settings = `settings:\n  probe_seconds: ${probeSeconds}\n  deep_check_minutes: 0\n`;
  demo = await startDemo({ ...options, topology: (yaml) => `${yaml}${settings}` });
  await demo.plane.services.look();
}

const get = async <T>(path: string) => (await (await fetch(demo.url + path)).json()) as T;
const list = async () => (await get<{ services: Service[] }>("/api/services")).services;
const service = (name: string) => get<Service>(`/api/services/${name}`);
async function act(name: string, action: string, body: object = {}) {
  const answer = await demo.post(`/api/services/${name}/${action}`, body);
  return { status: answer.status, body: (await answer.json()) as Service & { job_id: string | null; code?: string } };
}
const look = (name: string) => demo.plane.services.look(name);
const container = (name: string) => demo.cluster.nodes[1]!.docker.find(name)!;
const audit = (action: string) =>
  get<{ entries: { action: string; details: Record<string, unknown>; outcome: string }[] }>(
    `/api/audit?action=${action}`,
  );

describe("the list", () => {
  test("has every slot and service with its state, and nothing that is hidden", async () => {
    await begin({ env: { DISABLED_SERVICES: "qdrant" } });

    const shown = await list();
    expect(shown.map(({ name, state }) => [name, state])).toEqual([
      ["main", "stopped"],
      ["parakeet", "healthy"],
      ["kokoro", "healthy"],
      ["embeddings", "healthy"],
      ["reranker", "healthy"],
      ["matrix-bridge", "healthy"],
    ]);
    expect(shown.find(({ name }) => name === "kokoro")).toMatchObject({
      node: "spark-2",
      container: { name: "kokoro", status: "running", image: "kokoro-fastapi-gpu" },
      not_possible: { start: "It runs already.", stop: null, restart: null, logs: null },
    });
    const { endpoints } = await get<{ endpoints: { name: string; disabled: boolean }[] }>("/api/endpoints");
    expect(endpoints.find(({ name }) => name === "qdrant")).toMatchObject({ disabled: true });
    for (const path of ["/api/services/qdrant", "/api/services/qdrant/logs"])
      expect((await fetch(demo.url + path)).status).toBe(404);
    expect((await act("qdrant", "stop")).status).toBe(404);
    expect(container("qdrant").running).toBe(true);
  });

  test("asks each Spark once a round, however many services it has", async () => {
    await begin();
    const asked: string[] = [];
    const { docker } = demo.cluster.nodes[1]!;
    const find = docker.find.bind(docker);
    docker.find = (name) => {
      asked.push(name);
      return find(name);
    };

    await demo.plane.services.look();

    expect(asked.toSorted()).toEqual(["embeddings", "kokoro", "matrix-bridge", "parakeet", "qdrant", "reranker"]);
  });

  test("of services that are nowhere says so, and keeps what was there apart from what never was", async () => {
    // Another cluster of this machine may have its services at the usual ports.
    const overrides = "services:\n  parakeet: { port: 9 }\n  matrix-bridge: { user: bob }\n";
    const files = { "services-overrides.yaml": overrides };
    await begin({ files, services: false });

    const states = Object.fromEntries((await list()).map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ parakeet: "not_configured", "matrix-bridge": "not_configured" });
    expect((await act("parakeet", "start")).body).toMatchObject({
      code: "not_possible",
      detail: "parakeet: There is no container named parakeet on spark-2.",
    });
  });
});

describe("a service", () => {
  test("is stopped, started and restarted, and stays stopped over a restart of the controller", async () => {
    await begin();

    expect(await act("kokoro", "stop")).toMatchObject({ status: 200, body: { state: "stopped", job_id: null } });
    expect(container("kokoro").running).toBe(false);
    await demo.restart();
    await look("kokoro");
    expect(await service("kokoro")).toMatchObject({ state: "stopped", reason: "It was stopped from here." });
    // Twice is once.
    expect((await act("kokoro", "stop")).status).toBe(200);

    expect((await act("kokoro", "start")).status).toBe(200);
    const { startedAt } = container("kokoro");
    expect((await act("kokoro", "start")).status).toBe(200);
    expect(container("kokoro").startedAt).toEqual(startedAt);
    expect((await act("kokoro", "restart")).status).toBe(200);
    expect(container("kokoro").startedAt.getTime()).toBeGreaterThan(startedAt.getTime());
    expect((await audit("restartService")).entries).toMatchObject([{ outcome: "done" }]);
  });

  test("that ends at once after its start is told, with where to look", async () => {
    await begin();
    await act("kokoro", "stop");
    demo.cluster.inject({ kind: "service_dies", service: "kokoro" });

    const { status, body } = await act("kokoro", "start");

    expect(status).toBe(502);
    expect(body).toMatchObject({ code: "ended_at_once", advice: "Its log says why." });
    const { lines } = await get<{ lines: { line: string }[] }>("/api/services/kokoro/logs?tail=1");
    expect(lines.map(({ line }) => line)).toEqual(["Segmentation fault (core dumped)"]);
  });

  test("that dies is restarted three times, then left alone with a message until somebody restarts it", async () => {
    await begin({ takenForReal: true });
    const receiver = startReceiver();
    receivers.push(receiver);
    await demo.post("/api/webhooks", { url: receiver.url, events: ["service_down", "service_up"] });
    demo.cluster.inject({ kind: "service_dies", service: "kokoro" });

    await until("it is left alone", async () => {
      await look("kokoro");
      return (await service("kokoro")).auto_restart.given_up !== null;
    });
    expect(await service("kokoro")).toMatchObject({
      state: "unhealthy",
      reason: expect.stringContaining("left alone"),
      auto_restart: { enabled: true, recent: 3, most: 3 },
    });
    const startedLast = container("kokoro").startedAt;
    await look("kokoro");
    await look("kokoro");
    expect(container("kokoro").startedAt).toEqual(startedLast);
    expect((await audit("service.auto_restart")).entries.length).toBe(3);
    expect((await audit("service.given_up")).entries.length).toBe(1);

    demo.cluster.clear();
    expect((await act("kokoro", "restart")).status).toBe(200);
    await until("it is healthy", async () => {
      await look("kokoro");
      return (await service("kokoro")).state === "healthy";
    });
    expect(await service("kokoro")).toMatchObject({ auto_restart: { recent: 0, given_up: null } });
    await until("both are told", () => receiver.received.length === 2);
    const told = receiver.received.map(({ body }) => JSON.parse(body) as { event: string; data: object });
    expect(told).toMatchObject([
      { event: "service_down", data: { service: "kokoro", node: "spark-2" } },
      { event: "service_up", data: { service: "kokoro", node: "spark-2" } },
    ]);
  });

  test("that was killed once is back within its budget, without anybody's doing", async () => {
    await begin({}, 1);
    demo.cluster.inject({ kind: "service_dies", service: "embeddings", times: 1 });
    expect(container("embeddings").running).toBe(false);

    await until("it runs again", async () => {
      const { state, auto_restart } = await service("embeddings");
      return state === "healthy" && auto_restart.recent === 1;
    });
    expect(container("embeddings").running).toBe(true);
  });

  test("that does not answer while its GPU works is busy, and not restarted", async () => {
    await begin();
    demo.cluster.inject({ kind: "service_silent", service: "parakeet" });
    const held = new AbortController();
    const form = new FormData();
    form.set("file", new Blob(["x"]), "a.wav");
    const call = fetch(`${demo.url}/v1/audio/transcriptions`, {
      method: "POST",
      body: form,
      signal: held.signal,
    }).catch(() => null);
    await until("it is asked", () => demo.plane.gateway.load().some(({ inFlight }) => inFlight === 1));

    await look("parakeet");
    await look("parakeet");
    expect(await service("parakeet")).toMatchObject({ state: "busy", reason: "It works on 1 request.", in_flight: 1 });

    held.abort();
    await call;
    await until("nobody waits for it", () => demo.plane.gateway.load().every(({ inFlight }) => inFlight === 0));
    demo.cluster.clear();
    await look("parakeet");
    expect(await service("parakeet")).toMatchObject({ state: "healthy", auto_restart: { recent: 0 } });
  });

  test("that does not answer while a model is loaded beside it is busy, and not restarted", async () => {
    await begin({ speed: 10 });
    demo.cluster.inject({ kind: "service_silent", service: "kokoro" });
    demo.cluster.inject({ kind: "progress_stuck", percent: 50 });
    // Across both Sparks; kokoro is on the second.
    const { job_id } = (await (await demo.post("/api/swap", { model: "glm-4.5-air" })).json()) as { job_id: string };
    const state = async () => (await get<{ state: string }>(`/api/swap/${job_id}`)).state;
    await until("it is loading", async () => (await state()) === "loading");

    await look("kokoro");
    await look("kokoro");
    expect(await service("kokoro")).toMatchObject({
      state: "busy",
      reason: "The GPU is busy: GLM 4.5 Air is being loaded.",
      auto_restart: { recent: 0 },
    });
  });

  test("on a Spark that cannot be reached is unreachable after two looks, with the Spark's reason", async () => {
    await begin();
    demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });

    await look("kokoro");
    expect((await service("kokoro")).state).toBe("healthy");
    await look("kokoro");
    expect(await service("kokoro")).toMatchObject({ state: "unreachable", reason: expect.stringContaining("spark-2") });
    expect((await act("kokoro", "restart")).status).toBe(409);
  });
});

describe("a deep check", () => {
  test("works every service, and one that fails at its work is unhealthy although it says that it is well", async () => {
    await begin();
    const answer = await demo.post("/api/services/deep-check", {});
    const { checks } = (await answer.json()) as { checks: DeepCheck[] };
    expect(checks.map(({ service, outcome }) => [service, outcome])).toEqual([
      ["main", "skipped"],
      ["parakeet", "passed"],
      ["kokoro", "passed"],
      ["embeddings", "passed"],
      ["reranker", "passed"],
      ["qdrant", "passed"],
      ["matrix-bridge", "skipped"],
    ]);

    demo.cluster.inject({ kind: "service_fails", service: "reranker" });
    await demo.post("/api/services/reranker/deep-check", {});
    await look("reranker");
    expect(await service("reranker")).toMatchObject({ deep_check: { outcome: "failed" } });
    await until("it was restarted for it", async () => (await audit("service.auto_restart")).entries.length > 0);
  });

  test("follows a transcription that failed, whose client is told to come back in a minute", async () => {
    await begin();
    demo.cluster.inject({ kind: "service_fails", service: "parakeet" });
    const form = new FormData();
    form.set("file", new Blob(["x"]), "a.wav");

    const answer = await fetch(`${demo.url}/v1/audio/transcriptions`, { method: "POST", body: form });

    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "60"]);
    await until("it was checked deeply", async () => (await service("parakeet")).deep_check?.outcome === "failed");
  });

  test("comes at somebody's word", async () => {
    await begin();
    const answer = await demo.post("/api/health-event", { service: "kokoro", seen_by: "crm" });

    expect(answer.status).toBe(202);
    await until("it was checked deeply", async () => (await service("kokoro")).deep_check?.outcome === "passed");
    expect((await demo.post("/api/health-event", { service: "nobody" })).status).toBe(404);
  });
});

describe("a slot", () => {
  test("is stopped by the rules of a swap, started with what it served, and restarted", async () => {
    await begin();
    await demo.swap("gpt-oss-20b");
    expect(await service("main")).toMatchObject({ state: "healthy", model: "gpt-oss-20b", is_slot: true });

    expect(await act("main", "stop")).toMatchObject({ status: 200, body: { state: "stopped", job_id: null } });
    expect(demo.cluster.nodes.map(({ docker }) => docker.find("vllm_node"))).toEqual([undefined, undefined]);
    expect(demo.plane.slots.statuses()).toMatchObject([{ state: "idle", model: null, difference: null }]);

    for (const action of ["start", "restart"]) {
      const { status, body } = await act("main", action);
      expect(status).toBe(202);
      expect(await demo.plane.swaps.settled(body.job_id!)).toMatchObject({ state: "ready", model: "gpt-oss-20b" });
    }
    const { status, body } = await act("main", "restart");
    expect((await act("main", "stop")).body).toMatchObject({ code: "not_possible" });
    expect(status).toBe(202);
    await demo.plane.swaps.settled(body.job_id!);
  });

  test("that is reserved is touched with the token only", async () => {
    await begin();
    await demo.swap("gpt-oss-20b");
    const { token } = (await (await demo.post("/api/swap/lock", { holder: "nightly" })).json()) as { token: string };

    for (const action of ["stop", "restart"]) {
      const { status, body } = await act("main", action);
      expect([status, body.code]).toEqual([423, "reserved"]);
    }
    expect(demo.cluster.nodes[0]!.docker.find("vllm_node")?.running).toBe(true);
    // A service that is no model is not the lock's matter.
    expect((await act("kokoro", "restart")).status).toBe(200);
    expect((await act("main", "stop", { lock_token: token })).status).toBe(200);
  });

  test("that no longer answers is loaded again by itself where that is wanted, and never while it is reserved", async () => {
    const settings = "settings:\n  probe_seconds: 3600\n  deep_check_minutes: 0\n  auto_restart_vllm: true\n";
    demo = await startDemo({ topology: (yaml) => `${yaml}${settings}` });
    await demo.swap("gpt-oss-20b");
    const { token } = (await (await demo.post("/api/swap/lock", { holder: "nightly" })).json()) as { token: string };
    demo.cluster.nodes[0]!.docker.kill(demo.cluster.nodes[0]!.docker.find("vllm_node")!);
    const looked = async (state: string) => {
      await demo.plane.slots.lookAtSlots();
      await demo.plane.services.look();
      return (await service("main")).state === state;
    };

    await until("it is missed", () => looked("unhealthy"));
    await looked("unhealthy");
    expect(await service("main")).toMatchObject({ auto_restart: { enabled: true, recent: 0 } });

    await fetch(`${demo.url}/api/swap/lock?token=${token}`, { method: "DELETE" });
    await until("it is back", () => looked("healthy"));
    expect(await service("main")).toMatchObject({ model: "gpt-oss-20b", auto_restart: { recent: 1 } });
    expect(demo.plane.swaps.list()[0]).toMatchObject({ state: "ready", requested_by: "auto-restart" });
  });

  test("without a model of its own has nothing to start", async () => {
    await begin();
    expect((await act("main", "start")).body).toMatchObject({ code: "no_model" });
    expect((await act("main", "stop")).status).toBe(200);
  });
});

describe("a log", () => {
  test("is followed as it grows, and downloaded", async () => {
    await begin();
    const lines: string[] = [];
    const leaving = new AbortController();
    const following = (async () => {
      for await (const { event, data } of readEvents(`${demo.url}/api/services/qdrant/logs/stream`, leaving.signal))
        if (event === "log") lines.push(...(data as { lines: { line: string }[] }).lines.map(({ line }) => line));
    })();
    await until("the end of the log is there", () => lines.some((line) => line.includes("ready")));

    for (const word of ["one", "two", "three"]) container("qdrant").log.append(`${word}\n`);
    await until("what is new is there", () => lines.includes("three"));
    leaving.abort();
    await following;

    expect(lines.slice(-4)).toEqual(["qdrant ready", "one", "two", "three"]);
    const file = await fetch(`${demo.url}/api/services/qdrant/logs/download`);
    expect(file.headers.get("content-disposition")).toMatch(/^attachment; filename="qdrant-/);
    expect((await file.text()).trim().split("\n").at(-1)).toMatch(/^2\d{3}-.*Z\tthree$/);
  });
});

test("the dashboard is told: all services first, then each that changes", async () => {
  await begin();
  const seen: [string, string][] = [];
  let first: Service[] = [];
  const leaving = new AbortController();
  const following = (async () => {
    for await (const { event, data } of readEvents(`${demo.url}/api/events`, leaving.signal)) {
      if (event === "snapshot") first = (data as { services: Service[] }).services;
      if (event === "service") seen.push([(data as Service).name, (data as Service).state]);
    }
  })();
  await until("the snapshot is there", () => first.length > 0);

  await act("kokoro", "stop");
  await until("the stop is told", () => seen.some(([name, state]) => name === "kokoro" && state === "stopped"));
  leaving.abort();
  await following;

  expect(first.map(({ name }) => name)).toContain("kokoro");
  expect(seen.every(([name]) => name === "kokoro")).toBe(true);
});
