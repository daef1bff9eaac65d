/** The Matrix bridge through the API, on the simulated cluster: updates that succeed, fail, take too long, and outlive the controller. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { BotUpdate } from "../../lib/bot/bot-update.ts";
import type { Service } from "../../lib/service/service.ts";
import { readEvents } from "../bench/event-stream.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
afterEach(() => demo?.close());

async function begin(options: DemoOptions = {}, limitSeconds = 1500): Promise<void> {
  const settings = `settings:\n  probe_seconds: 3600\n  deep_check_minutes: 0\n  update_limit_seconds: ${limitSeconds}\n`;
  demo = await startDemo({ ...options, topology: (yaml) => `${yaml}${settings}` });
  await demo.plane.services.look();
}

const get = async <T>(path: string) => (await (await fetch(demo.url + path)).json()) as T;
const update = () => get<BotUpdate>("/api/matrix-bridge/update");
async function start() {
  const answer = await demo.post("/api/matrix-bridge/update", {});
  return { status: answer.status, body: (await answer.json()) as BotUpdate & { code?: string; detail?: string } };
}
const ended = () => until("the update has ended", async () => (await update()).state !== "running");
const container = () => demo.cluster.nodes[1]!.docker.find("matrix-bridge")!;
const states = ({ steps }: BotUpdate) => steps.map(({ state }) => state);

async function output(): Promise<string[]> {
  const lines: string[] = [];
  for await (const { event, data } of readEvents(
    `${demo.url}/api/matrix-bridge/update/stream`,
    AbortSignal.timeout(20_000),
  ))
    if (event === "output") lines.push(...(data as { lines: { line: string }[] }).lines.map(({ line }) => line));
  return lines;
}

test("without a user it is hidden everywhere", async () => {
  await begin({ files: { "services-overrides.yaml": "" } });

  const { services } = await get<{ services: Service[] }>("/api/services");
  expect(services.map(({ name }) => name)).not.toContain("matrix-bridge");
  expect((await start()).status).toBe(404);
  expect((await fetch(`${demo.url}/api/matrix-bridge/logs`)).status).toBe(404);
  const { endpoints } = await get<{ endpoints: { name: string; disabled: boolean }[] }>("/api/endpoints");
  expect(endpoints.find(({ name }) => name === "matrix-bridge")?.disabled).toBe(true);
});

test("its badge is what docker says, and it is restarted, stopped and started as any service", async () => {
  await begin();
  expect(await get<Service>("/api/services/matrix-bridge")).toMatchObject({ state: "healthy", kind: "bot", url: null });

  expect((await demo.post("/api/services/matrix-bridge/stop", {})).status).toBe(200);
  expect(container().running).toBe(false);
  expect(await get<Service>("/api/services/matrix-bridge")).toMatchObject({ state: "stopped" });
  expect((await demo.post("/api/services/matrix-bridge/restart", {})).status).toBe(200);
  expect(container().running).toBe(true);
  const { lines } = await get<{ lines: { line: string }[] }>("/api/matrix-bridge/logs?tail=1");
  expect(lines).toMatchObject([{ line: "bridge: connected, 3 rooms" }]);
});

test("an update goes through its steps, streams its output, and the bridge runs anew", async () => {
  await begin();
  const before = container().startedAt.getTime();

  expect(await start()).toMatchObject({ status: 202, body: { state: "running", branch: "main", limit_seconds: 1500 } });
  const lines = await output();

  expect(await update()).toMatchObject({ state: "succeeded", reason: null, last_seq: lines.length });
  expect(states(await update())).toEqual(["done", "done", "done"]);
  expect(lines[0]).toBe("From example.org:bots/matrix-bridge");
  expect(lines.some((line) => line.startsWith("::"))).toBe(false);
  expect(container().startedAt.getTime()).toBeGreaterThan(before);
  // Its output is there for whoever comes later, also after a restart of the controller.
  await demo.restart();
  expect(await output()).toEqual(lines);
});

test("a key that git does not take stops it at the fetch, with git's own words; what runs goes on", async () => {
  await begin();
  const before = container().startedAt;
  demo.cluster.inject({ kind: "service_update_denied", service: "matrix-bridge" });

  await start();
  await ended();

  const failed = await update();
  expect(failed).toMatchObject({
    state: "failed",
    reason: "git fetch origin failed with exit code 128. fatal: Could not read from remote repository.",
  });
  expect(states(failed)).toEqual(["failed", "waiting", "waiting"]);
  expect(container().startedAt).toEqual(before);
  const { entries } = await get<{ entries: { action: string; outcome: string }[] }>(
    "/api/audit?action=updateMatrixBridge",
  );
  expect(entries).toMatchObject([{ outcome: "done" }]);
});

test("one that outlasts its cap is ended at the step where it was", async () => {
  await begin({}, 120);
  demo.cluster.inject({ kind: "service_update_stuck", service: "matrix-bridge" });

  await start();
  await ended();

  const late = await update();
  expect(late).toMatchObject({
    state: "timed_out",
    reason: "docker compose up -d --build was not done when the 2 minutes were over, and was ended.",
  });
  expect(states(late)).toEqual(["done", "done", "failed"]);
});

test("one at a time, a controller that comes back takes it up, and it can be cancelled", async () => {
  await begin();
  demo.cluster.inject({ kind: "service_update_stuck", service: "matrix-bridge" });
  await start();
  await until("it builds", async () => states(await update())[2] === "running");
  expect((await start()).body).toMatchObject({ code: "update_running" });
  expect((await demo.post("/api/services/matrix-bridge/restart", {})).status).toBe(409);

  await demo.restart();
  await demo.plane.services.look();
  expect(await get<Service>("/api/services/matrix-bridge")).toMatchObject({ operation: { action: "update" } });
  const cancelled = await fetch(`${demo.url}/api/matrix-bridge/update`, { method: "DELETE" });
  expect(cancelled.status).toBe(202);
  await ended();

  expect(await update()).toMatchObject({ state: "cancelled", reason: "It was cancelled." });
  expect(await get<Service>("/api/services/matrix-bridge")).toMatchObject({ operation: null });
});

test("a swap beside it does not take its job for a launch", async () => {
  await begin();
  demo.cluster.inject({ kind: "service_update_stuck", service: "matrix-bridge" });
  await start();

  expect((await demo.swap("gpt-oss-120b")).state).toBe("ready");

  expect((await update()).state).toBe("running");
  demo.cluster.clear();
  await ended();
  expect((await update()).state).toBe("succeeded");
});
