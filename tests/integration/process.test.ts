/** The controller as a process: how it starts, refuses to start, and ends. */
import { Database } from "bun:sqlite";
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { startSimulator } from "../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function dataDir(files?: Readonly<Record<string, string>>): string {
  const data = makeDataDir(files);
  undo.push(data.remove);
  return data.dataDir;
}

async function started(options: Parameters<typeof Controller.start>[0]): Promise<Controller> {
  const controller = await Controller.start(options);
  undo.push(() => controller.kill());
  return controller;
}

const refusal = (options: Parameters<typeof Controller.start>[0]) =>
  Controller.start(options).then(
    () => Promise.reject(new Error("it started")),
    (error: Error) => error.message,
  );

test("a second start on the same data is refused and says who holds them", async () => {
  const dir = dataDir();
  const first = await started({ dataDir: dir });
  expect(await refusal({ dataDir: dir })).toContain(`is in use by process ${first.process.pid}`);
});

test("a second simulated cluster on the same data is refused before it touches the first one's files", async () => {
  const dir = dataDir();
  const simulated = { dataDir: dir, arguments: ["--simulated"], env: { SIM_SPEED: "300" } };
  const first = await started(simulated);
  const topology = await Bun.file(join(dir, "simulated/topology.yaml")).text();
  expect(await refusal(simulated)).toContain(`is in use by process ${first.process.pid}`);
  expect(await Bun.file(join(dir, "simulated/topology.yaml")).text()).toBe(topology);
  expect(await first.swap("gpt-oss-20b")).toMatchObject({ state: "ready", failure: null });
});

test("what SIM_FAULTS names fails on the simulated cluster, and nonsense is refused plainly", async () => {
  const env = { SIM_SPEED: "300", SIM_FAULTS: '[{"kind":"out_of_memory","times":1}]' };
  const controller = await started({ dataDir: dataDir(), arguments: ["--simulated"], env });
  expect(await controller.swap("gpt-oss-20b")).toMatchObject({ state: "failed", failure: { code: "out_of_memory" } });
  expect(await controller.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
  const nonsense = { dataDir: dataDir(), arguments: ["--simulated"], env: { SIM_FAULTS: '[{"kind":"rain"}]' } };
  expect(await refusal(nonsense)).toContain("SIM_FAULTS is not a JSON list of faults");
});

test("a database of a newer version is refused plainly", async () => {
  const dir = dataDir();
  const first = await started({ dataDir: dir });
  expect(await first.stop()).toBe(0);
  const db = new Database(join(dir, "facts.db"));
  db.run("PRAGMA user_version = 999");
  db.close();
  expect(await refusal({ dataDir: dir })).toMatch(/newer/);
});

test("a port that is taken is refused plainly, and the data are free again", async () => {
  const port = new URL((await started({ dataDir: dataDir() })).url).port;
  const dir = dataDir();
  expect(await refusal({ dataDir: dir, env: { PORT: port } })).toContain(`Port ${port} cannot be used`);
  await started({ dataDir: dir });
});

test("a setting that makes no sense is refused plainly", async () => {
  expect(await refusal({ dataDir: dataDir(), env: { PORT: "many" } })).toContain('PORT is "many"');
});

test("SIGTERM in mid-swap ends it with 0 well within ten seconds; the load goes on and the next start adopts it", async () => {
  const dir = dataDir();
  const { publicKeyLine } = loadIdentity({ folder: dir });
  const cluster = await startSimulator({ speed: 20, ports: "ephemeral", authorizedKey: publicKeyLine });
  undo.push(() => cluster.close());
  await Bun.write(join(dir, "topology.yaml"), cluster.topologyYaml);
  const first = await started({ dataDir: dir });
  const { job_id } = await first.begin("gpt-oss-20b");
  await until("vLLM is loading", () => cluster.nodes[0]?.vllmProcesses().length !== 0);
  const stream = fetch(`${first.url}/api/events`);
  await stream;

  const begun = performance.now();
  expect(await first.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(10_000);

  const second = await started({ dataDir: dir });
  expect(await second.settled(job_id)).toMatchObject({ state: "ready" });
  const servers = cluster.nodes.flatMap((node) =>
    node.vllmProcesses().filter(({ argv }) => argv[0]?.endsWith("python3")),
  );
  expect(servers).toHaveLength(1);
  const history = await second.get<{ swaps: SwapJob[] }>("/api/swap");
  expect(history.swaps.map((job) => job.job_id)).toEqual([job_id]);
});
