/** A lab for the tests of survival: what they ask of it again and again. */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Status } from "../../lib/status.ts";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import type { LogLine, SwapJob } from "../../lib/swap/swap.ts";
import type { SwapRecord } from "../../lib/swap/swap-store.ts";
import { readEvents } from "../bench/event-stream.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { Gates } from "./gates.ts";
import { type Dialect, type Lab, type LabOptions, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";
import { type Process, vllmProcesses } from "./processes.ts";
import { mainProcesses } from "./vllm-watch.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("survival in the lab", available, how);

export const LIMIT_MS = 180_000;
const STREAM_LIMIT_MS = 30_000;

export const MODELS = `models:
  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  other: { repo: acme/other, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  third: { repo: acme/third, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  pair: { repo: acme/pair, nodes: 2, gpu_memory_utilization: 0.2, size_gb: 1 }
  duo: { repo: acme/duo, nodes: 2, gpu_memory_utilization: 0.2, size_gb: 1 }
`;

/** Main processes of vLLM on each host: the server of the head, the headless rank of a worker. */
export async function mains(lab: Lab): Promise<{ pid: number; args: string }[][]> {
  return Promise.all(
    lab.hosts.map(async (host) => mainProcesses(await vllmProcesses(host)).map(({ pid, args }) => ({ pid, args }))),
  );
}

export async function counts(lab: Lab): Promise<number[]> {
  return (await mains(lab)).map((each) => each.length);
}

/** Per host: everything of a vLLM, and of a launch. */
export async function remains(lab: Lab): Promise<string[][]> {
  return Promise.all(
    lab.hosts.map(async (host) => [
      ...(await vllmProcesses(host)).map(({ args }) => args),
      ...(await host.processes()).filter(({ args }) => args.includes("launch-cluster.sh")).map(({ args }) => args),
      ...(await host.exec("docker ps -a --format '{{.Names}}'")).stdout.split("\n").filter((name) => name !== ""),
    ]),
  );
}

/** Per host: ids of the jobs of which the process is there, launches and keepers of logs. */
export async function jobs(lab: Lab): Promise<string[][]> {
  const idOf = ({ argv: [, , , name, folder = ""] }: Process) => (name === "spark-job" ? [basename(folder)] : []);
  return Promise.all(lab.hosts.map(async (host) => [...new Set((await host.processes()).flatMap(idOf))].sort()));
}

/** Ids that the head's port lists; null when nothing answers. */
export async function served(lab: Lab): Promise<string[] | null> {
  try {
    const answer = await fetch(`${lab.vllmUrl}/v1/models`, { signal: AbortSignal.timeout(2_000) });
    return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  } catch {
    return null;
  }
}

export async function slotOf(controller: Controller): Promise<SlotStatus> {
  const [slot] = (await controller.get<Status>("/api/status")).slots;
  if (!slot) throw new Error("the status shows no slot");
  return slot;
}

/** The record of a swap in the files of a controller that does not run. */
export function recordOf(dataDir: string, jobId: string): SwapRecord {
  const db = new Database(join(dataDir, "facts.db"), { readonly: true });
  try {
    const row = db.query<{ document: string }, [string]>("SELECT document FROM swap WHERE job_id = ?1").get(jobId);
    if (!row) throw new Error(`${dataDir} knows no swap ${jobId}`);
    return JSON.parse(row.document) as SwapRecord;
  } finally {
    db.close();
  }
}

/** The whole log of a swap that has ended, as a client gets it. */
export async function logOf(controller: Controller, jobId: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const url = `${controller.url}/api/swap/${jobId}/stream`;
  for await (const { event, data } of readEvents(url, AbortSignal.timeout(STREAM_LIMIT_MS))) {
    if (event === "log") lines.push(...(data as { lines: LogLine[] }).lines);
    if (event === "end") return lines;
  }
  throw new Error("the stream stopped without an end event");
}

/** What a source of a swap's log wrote: of a progress bar the last state, like a terminal. */
export async function writtenTo(file: string): Promise<string[]> {
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => line.replace(/\r$/, "").split("\r").at(-1)?.trimEnd() ?? "");
}

export const linesOf = (log: readonly LogLine[], source: string) =>
  log.filter((line) => line.source === source).map(({ line }) => line);

export interface Its {
  lab: Lab;
  /** On the head. */
  gates: Gates;
  data: ReturnType<typeof makeDataDir>;
  readonly started: Controller[];
  /** A controller on these data, on loopback unless `HOST` says else; it is ended after the test, whatever has become of it. */
  start(dataDir?: string, env?: Readonly<Record<string, string>>): Promise<Controller>;
  /** The same as in a container: the data are mounted where all containers have theirs, and nothing tells which machine it is. */
  startContained(dataDir: string): Promise<Controller>;
}

/** A folder that every Linux has: each mounts its data there, and sees its own only. */
const DATA_OF_EACH = "/mnt";
const CONTAINED = `mount --bind "$1" "$2" || exit
[ ! -e /etc/machine-id ] || mount --bind /dev/null /etc/machine-id || exit
shift 2
exec "$@"`;

/** Tests in a lab of their own; each begins with empty hosts and empty data, and leaves them so. */
export function inLab(dialect: Dialect, body: (its: Its) => void, more: Partial<LabOptions> = {}): void {
  describeLab(`with the ${dialect} launch script`, () => {
    const its = { started: [] as Controller[] } as Its;
    beforeAll(async () => {
      its.lab = await startLab({ dialect, ...more });
      its.gates = await Gates.install(its.lab.head);
    }, LIMIT_MS);
    beforeEach(async () => {
      its.data = makeDataDir({ "topology.yaml": its.lab.topologyYaml, "models-overrides.yaml": MODELS });
      await its.lab.authorize(its.data.publicKeyLine);
      for (const host of its.lab.hosts) await host.exec("rm -rf ~/.spark-control");
      await its.lab.behave({ loadSeconds: 1.5 });
      its.start = async (dataDir = its.data.dataDir, env = {}) => {
        const controller = await Controller.start({ dataDir, env });
        its.started.push(controller);
        return controller;
      };
      its.startContained = async (dataDir) => {
        const alone = ["unshare", "--mount", "--propagation", "private"];
        const within = [...alone, "sh", "-c", CONTAINED, "sh", dataDir, DATA_OF_EACH];
        const controller = await Controller.start({ dataDir: DATA_OF_EACH, within });
        its.started.push(controller);
        return controller;
      };
    }, LIMIT_MS);
    afterEach(async () => {
      await its.gates.openAll();
      for (const controller of its.started.splice(0)) await controller.kill();
      its.data.remove();
      await removeContainers(its.lab);
      await until("nothing of a vLLM is left", async () => (await remains(its.lab)).flat().length === 0, LIMIT_MS);
    }, LIMIT_MS);
    afterAll(() => its.lab?.close(), LIMIT_MS);
    body(its);
  });
}

export async function jobIs(controller: Controller, jobId: string, what: string, holds: (job: SwapJob) => boolean) {
  await until(what, async () => holds(await controller.get<SwapJob>(`/api/swap/${jobId}`)), 60_000);
}
