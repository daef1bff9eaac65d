/** Services in real containers: every action on every kind, looked for on the host; what dies is noticed, restarted and left alone. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { DeepCheck } from "../../lib/service/service.ts";
import { readEvents } from "../bench/event-stream.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";
import {
  answers,
  dropFlags,
  inspect,
  KINDS,
  portOf,
  removeServices,
  runServices,
  servicesYaml,
  setFlag,
  type Watch,
  watch,
} from "./services-lab.ts";

setDefaultTimeout(180_000);
const LONG_MS = 60_000;

const { available, how } = await labAvailability();

requirement(
  "services in the lab",
  available,
  how,
)("services in the lab", () => {
  let lab: Lab;
  let its: Watch;
  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
  });
  beforeEach(() => dropFlags(lab.worker));
  afterEach(async () => {
    await its?.end();
    await removeServices(lab.worker);
    await removeContainers(lab);
  });
  afterAll(() => lab?.close());

  const stateIs = (name: string, state: string) =>
    until(`${name} is ${state}`, async () => (await its.service(name)).state === state, LONG_MS);

  test("each kind is stopped, started and restarted, and docker on the host says the same", async () => {
    await runServices(lab.worker);
    its = await watch(lab);
    for (const kind of KINDS) await stateIs(`the-${kind}`, "healthy");
    const seen = await Promise.all(
      KINDS.map(async (kind) => {
        const name = `the-${kind}`;
        const before = await inspect(lab.worker, kind);
        const stopped = await its.act(name, "stop");
        const afterStop = await inspect(lab.worker, kind);
        const isSilent = kind === "bot" || !(await answers(lab.worker, portOf(kind)));
        const started = await its.act(name, "start");
        const afterStart = await inspect(lab.worker, kind);
        const restarted = await its.act(name, "restart");
        const afterRestart = await inspect(lab.worker, kind);
        return {
          kind,
          statuses: [stopped.status, started.status, restarted.status],
          stopped: stopped.body.state,
          running: [before?.Running, afterStop?.Running, afterStart?.Running, afterRestart?.Running],
          isSilent,
          starts: new Set([before?.StartedAt, afterStart?.StartedAt, afterRestart?.StartedAt]).size,
        };
      }),
    );

    expect(seen).toEqual(
      KINDS.map((kind) => ({
        kind,
        statuses: [200, 200, 200],
        stopped: "stopped",
        running: [true, false, true, true],
        isSilent: true,
        starts: 3,
      })),
    );
    for (const kind of KINDS) await stateIs(`the-${kind}`, "healthy");
    const { checks } = (await (await its.controller.post("/api/services/deep-check")).json()) as {
      checks: DeepCheck[];
    };
    const outcomes = Object.fromEntries(checks.map(({ service, outcome }) => [service, outcome]));
    expect(outcomes).toEqual({
      ...Object.fromEntries(KINDS.map((kind) => [`the-${kind}`, kind === "bot" ? "skipped" : "passed"])),
      main: "skipped",
    });
  });

  test("one that dies is noticed within two looks and is back", async () => {
    await runServices(lab.worker, ["tts"]);
    its = await watch(lab, {
      services: servicesYaml("").replace(/(the-tts.*)auto_restart: false/, "$1auto_restart: true"),
    });
    await stateIs("the-tts", "healthy");
    const before = await inspect(lab.worker, "tts");

    await lab.worker.exec("docker kill tts");
    const looks = new Set<string | null>();
    await until(
      "it is noticed",
      async () => {
        const { checked_at, state, auto_restart } = await its.service("the-tts");
        looks.add(checked_at);
        return state !== "healthy" || auto_restart.recent > 0;
      },
      LONG_MS,
    );
    // The look before the kill, one that was on its way then, and the one that told.
    expect(looks.size).toBeLessThanOrEqual(3);

    await stateIs("the-tts", "healthy");
    expect((await its.service("the-tts")).auto_restart).toMatchObject({ recent: 1, given_up: null });
    expect((await inspect(lab.worker, "tts"))?.StartedAt).not.toBe(before?.StartedAt ?? "");
  });

  test("one that dies at each start is left alone after the third restart, with a message; a hand brings it back", async () => {
    await runServices(lab.worker, ["asr"]);
    its = await watch(lab, {
      services: servicesYaml("").replace(/(the-asr.*)auto_restart: false/, "$1auto_restart: true"),
    });
    await stateIs("the-asr", "healthy");
    await setFlag(lab.worker, "asr-dies");
    await lab.worker.exec("docker kill asr");

    await until(
      "it is left alone",
      async () => (await its.service("the-asr")).auto_restart.given_up !== null,
      2 * LONG_MS,
    );
    const given = await its.service("the-asr");
    expect(given).toMatchObject({
      state: "unhealthy",
      reason: expect.stringContaining("exit code 3"),
      auto_restart: { recent: 3 },
    });
    const { StartedAt } = (await inspect(lab.worker, "asr")) ?? {};
    const { lines } = await its.controller.get<{ lines: { line: string }[] }>("/api/services/the-asr/logs?tail=1");
    expect(lines).toMatchObject([{ line: "asr: no GPU found" }]);

    // Looks go on, restarts do not.
    let looks = 0;
    let last = given.checked_at;
    await until(
      "it was looked at three times more",
      async () => {
        const { checked_at } = await its.service("the-asr");
        if (checked_at !== last) looks += 1;
        last = checked_at;
        return looks === 3;
      },
      LONG_MS,
    );
    expect((await inspect(lab.worker, "asr"))?.StartedAt).toBe(StartedAt!);
    await dropFlags(lab.worker);
    expect(await its.act("the-asr", "restart")).toMatchObject({ status: 200 });
    await stateIs("the-asr", "healthy");
  });

  test("one that hangs is unhealthy once its start is over; a log is followed while it grows", async () => {
    await runServices(lab.worker, ["embeddings"]);
    its = await watch(lab, { settings: "  service_start_seconds: 2\n" });
    await stateIs("the-embeddings", "healthy");
    const lines: string[] = [];
    const leaving = new AbortController();
    const following = (async () => {
      const url = `${its.controller.url}/api/services/the-embeddings/logs/stream`;
      for await (const { event, data } of readEvents(url, leaving.signal))
        if (event === "log") lines.push(...(data as { lines: { line: string }[] }).lines.map(({ line }) => line));
    })();
    await until("the log is there", () => lines.includes("embeddings: ready"), LONG_MS);

    await setFlag(lab.worker, "embeddings-hangs");
    await stateIs("the-embeddings", "unhealthy");
    expect((await its.service("the-embeddings")).reason).toBe("It gave no answer within 5.0 s.");
    await dropFlags(lab.worker);
    await stateIs("the-embeddings", "healthy");

    await its.act("the-embeddings", "restart");
    await until(
      "its end and its new start are there",
      () => lines.filter((line) => line.includes("ready")).length === 2,
      LONG_MS,
    );
    leaving.abort();
    await following;
    expect(lines).toEqual(["embeddings: ready", "embeddings: told to stop", "embeddings: ready"]);
  });

  test("a slot is stopped, started and restarted on the hosts", async () => {
    const models = "models:\n  pair: { repo: acme/pair, nodes: 2, gpu_memory_utilization: 0.2, size_gb: 1 }\n";
    its = await watch(lab, { models });
    await lab.behave({ loadSeconds: 1.5 });
    expect((await its.controller.swap("pair")).state).toBe("ready");
    await stateIs("main", "healthy");

    expect(await its.act("main", "stop")).toMatchObject({ status: 200, body: { state: "stopped" } });
    for (const host of lab.hosts) expect((await host.exec("docker ps -a --format '{{.Names}}'")).stdout).toBe("");
    expect(await answers(lab.head, 8888)).toBe(false);

    for (const action of ["start", "restart"]) {
      const { status, body } = await its.act("main", action);
      expect(status).toBe(202);
      expect((await its.controller.settled((body as unknown as { job_id: string }).job_id)).state).toBe("ready");
      expect(await answers(lab.head, 8888)).toBe(true);
    }
  });
});
