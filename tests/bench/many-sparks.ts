/** What it costs to watch many Sparks with ten services each: one round of looks, CPU and memory of the controller. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Services } from "../../lib/service/service.ts";
import { startService } from "../../lib/simulator/furnish.ts";
import { pickPort } from "../../lib/simulator/ports.ts";
import { SERVICES, type SimulatedService } from "../../lib/simulator/services.ts";
import { type SimulatedCluster, startSimulator } from "../../lib/simulator/simulator.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Bench } from "./bench.ts";
import type { Result } from "./figure.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";

const COUNTS = [2, 8, 64] as const;
const A_SPARK = 10;
const ROUNDS = 5;
const WATCHED_SECONDS = 30;
const LIMIT_MS = 120_000;
const USUAL = "parakeet,diarizer,kokoro,embeddings,reranker,qdrant";

export const manySparks: Bench = {
  name: "services",
  async run() {
    if (process.platform !== "linux") return [{ name: "many Sparks", skipped: "needs Linux (/proc)" }];
    const results: Result[] = [];
    for (const count of COUNTS) results.push(...(await watched(count)));
    return results;
  },
};

async function watched(count: number): Promise<Result[]> {
  const data = makeDataDir();
  const cluster = await startSimulator({
    speed: 20,
    nodes: count,
    services: false,
    authorizedKey: data.publicKeyLine,
  });
  let controller: Controller | undefined;
  try {
    writeFileSync(join(data.dataDir, "topology.yaml"), cluster.topologyYaml);
    writeFileSync(join(data.dataDir, "services-overrides.yaml"), await services(cluster));
    controller = await Controller.start({ dataDir: data.dataDir, env: { DISABLED_SERVICES: USUAL } });
    return await measured(controller, count);
  } finally {
    await controller?.kill();
    await cluster.close();
    rmSync(data.dataDir, { recursive: true, force: true });
  }
}

async function services(cluster: SimulatedCluster): Promise<string> {
  const lines = ["services:"];
  for (const spark of cluster.nodes) {
    const taken = new Set<number>();
    for (let index = 0; index < A_SPARK; index += 1) {
      const like = SERVICES[index % SERVICES.length]!;
      const name = `${like.name}-${spark.index + 1}-${index}`;
      const port = await pickPort(spark.address, taken);
      taken.add(port);
      const service: SimulatedService = { ...like, name, container: name, memoryKb: 1 };
      startService(spark, service, port);
      lines.push(`  ${name}: { kind: ${like.kind}, node: ${spark.name}, port: ${port}, container: ${name} }`);
    }
  }
  return `${lines.join("\n")}\n`;
}

async function measured(controller: Controller, count: number): Promise<Result[]> {
  const { pid } = controller.process;
  const look = async () => ((await (await controller.post("/api/services/check")).json()) as Services).services;
  const isWell = (all: Services["services"]) =>
    all.filter(({ state, is_slot }) => !is_slot && state === "healthy").length === count * A_SPARK;
  await until("all are healthy", async () => isWell(await look()), LIMIT_MS);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    await look();
    rounds.push((performance.now() - began) / 1000);
  }
  const before = { cpu: cpuSeconds(pid), at: performance.now() };
  await Bun.sleep(WATCHED_SECONDS * 1000);
  const share = ((cpuSeconds(pid) - before.cpu) / ((performance.now() - before.at) / 1000)) * 100;
  const what = `${count} Sparks, ${count * A_SPARK} services`;
  return [
    { name: `${what}: one round of looks`, unit: "s", values: rounds, bar: { atMost: 5 } },
    { name: `${what}: CPU of the controller, share of a core`, unit: "%", values: [share], bar: { below: 25 } },
    { name: `${what}: memory of the controller`, unit: "MB", values: [residentMb(pid)], bar: null },
  ];
}
