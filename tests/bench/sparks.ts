/**
 * What watching costs, from 2 to 64 simulated Sparks with 10 services each: one round of polls and cards of all of them, the
 * controller's CPU while somebody looks, and its memory. The Sparks are in a process of their own.
 */
import { join } from "node:path";
import type { HardwareCard } from "../../lib/hardware/card.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Bench } from "./bench.ts";
import { readEvents } from "./event-stream.ts";
import type { Figure } from "./figure.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";

const SIZES = [2, 8, 16, 32, 64];
const SERVICES_EACH = 10;
const MEASURED_SECONDS = 20;
const ROUND_BAR = { atMost: 5 };
const CPU_BAR = { below: 25 };

interface Cost {
  readonly nodes: number;
  /** Seconds from the first answer of a round to the last. */
  readonly rounds: readonly number[];
  readonly cpuPercent: number;
  readonly memoryMb: number;
}

/** Sparks in another process; resolves with their topology.yaml. */
async function startSparks(nodes: number, publicKey: string): Promise<{ yaml: string; stop(): Promise<void> }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "sparks-process.ts"), String(nodes), publicKey], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  let said = "";
  while (!said.includes("\0")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the simulated Sparks did not start");
    said += new TextDecoder().decode(value);
  }
  return {
    yaml: said.slice(0, said.indexOf("\0")),
    async stop() {
      child.stdin.end();
      await child.exited;
    },
  };
}

function servicesYaml(nodes: number): string {
  const one = (node: number, number: number) =>
    `  s${node}-${number}: { kind: http, node: spark-${node}, port: ${20_000 + number} }\n`;
  const all = Array.from({ length: nodes }, (_, node) =>
    Array.from({ length: SERVICES_EACH }, (__, number) => one(node + 1, number)).join(""),
  );
  return `services:\n${all.join("")}`;
}

async function costOf(nodes: number): Promise<Cost> {
  const data = makeDataDir({ "services-overrides.yaml": servicesYaml(nodes) });
  const identity = loadIdentity({ folder: data.dataDir });
  const sparks = await startSparks(nodes, identity.publicKeyLine);
  try {
    await Bun.write(join(data.dataDir, "topology.yaml"), sparks.yaml);
    const controller = await Controller.start({ dataDir: data.dataDir, env: { NODE_ENV: "production" } });
    try {
      return await measure(controller, nodes);
    } finally {
      await controller.stop();
    }
  } finally {
    await sparks.stop();
    data.remove();
  }
}

/** A stream is open, as the dashboard's: cards are asked for every 5 s. */
async function measure(controller: Controller, nodes: number): Promise<Cost> {
  const { pid } = controller.process;
  const cards = async () => (await controller.get<{ cards: HardwareCard[] }>("/api/hardware")).cards;
  const current = async () => (await controller.get<{ current: Record<string, string> }>("/api/connectivity")).current;
  await until(
    "all are up",
    async () => Object.values(await current()).filter((is) => is === "up").length === nodes,
    120_000,
  );
  await until("all have a card", async () => (await cards()).every(({ at }) => at !== null), 120_000);
  const leave = new AbortController();
  const rounds: number[] = [];
  const stream = (async () => {
    for await (const { event, data } of readEvents(`${controller.url}/api/events`, leave.signal)) {
      if (event !== "hardware") continue;
      const times = (data as { cards: HardwareCard[] }).cards.map(({ at }) => Date.parse(at!));
      rounds.push((Math.max(...times) - Math.min(...times)) / 1000);
    }
  })().catch(() => undefined);
  await until("somebody looks", () => rounds.length > 1, 60_000);
  rounds.length = 0;
  const before = cpuSeconds(pid);
  await Bun.sleep(MEASURED_SECONDS * 1000);
  const used = cpuSeconds(pid) - before;
  leave.abort();
  await stream;
  if (rounds.length < 3) throw new Error(`only ${rounds.length} rounds in ${MEASURED_SECONDS} s`);
  return { nodes, rounds, cpuPercent: (used / MEASURED_SECONDS) * 100, memoryMb: residentMb(pid) };
}

export const sparks: Bench = {
  name: "sparks",
  async run() {
    if (process.platform !== "linux") return [{ name: "64 Sparks", skipped: "needs Linux (/proc)" }];
    const figures: Figure[] = [];
    for (const nodes of SIZES) {
      const { rounds, cpuPercent, memoryMb } = await costOf(nodes);
      const isMost = nodes === SIZES.at(-1);
      const name = `${nodes} Sparks, ${nodes * SERVICES_EACH} services`;
      figures.push(
        { name: `${name}: a round of cards`, unit: "s", values: rounds, bar: isMost ? ROUND_BAR : null },
        { name: `${name}: CPU of one core`, unit: "%", values: [cpuPercent], bar: isMost ? CPU_BAR : null },
        { name: `${name}: memory`, unit: "MB", values: [memoryMb], bar: null },
      );
    }
    return figures;
  },
};
