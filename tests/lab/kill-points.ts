/**
 * The moments of a swap at which the controller is killed, each reached from outside: the host's programs are held at
 * gates, and the API, the process tables and the job folders tell when it is there.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { MachineState } from "../../lib/swap/machine.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Gates } from "./gates.ts";
import type { Host } from "./host.ts";
import type { Behaviour } from "./vllm/behaviour.ts";

const REACH_LIMIT_MS = 60_000;

/** ready: the new model serves. cancelled, failed: the old one serves again. died: it was ready, and the old one is restored. */
export type Ending = "ready" | "cancelled" | "failed" | "died";

export interface Round {
  readonly head: Host;
  /** On the head. */
  readonly gates: Gates;
  readonly controller: Controller;
  readonly jobId: string;
}

export interface KillPoint {
  readonly name: string;
  /** How this swap ends when nobody disturbs it. */
  readonly ending: Ending;
  /** What the record says after the kill: the proof that the point was hit. */
  readonly at: Partial<MachineState>;
  /** Of the new model. */
  readonly newModel?: Partial<Behaviour>;
  readonly oldModel?: Partial<Behaviour>;
  /** Before the swap is asked for. */
  prepare?(gates: Gates): Promise<void>;
  /** Resolves when the point is reached. */
  reach(round: Round): Promise<void>;
  /** While no controller runs. */
  meanwhile?(round: Round): Promise<void>;
  /** Whoever is told by a webhook answers nothing until the controller is dead: nothing counts as delivered. */
  readonly unheard?: boolean;
  /** Words of a command on the head by which the next controller is known to be behind the one that waits at the gate. */
  readonly behind?: string;
}

/** Every ending takes a little longer than the looks at it. */
export const ENDINGS: Readonly<Record<Ending, Partial<Behaviour>>> = {
  ready: {},
  cancelled: { loadSeconds: 60 },
  failed: { fail: "oom" },
  died: { fail: "die_after_ready", afterSeconds: 2 },
};

const STOP = { name: "stop", pattern: "docker stop -t *" };
const LOOK = { name: "look", pattern: "docker inspect --type container *" };
/** The fence of a new launch's folder is written: the folder is there, nothing is spawned. Not those of the log keepers. */
const FOLDER = { name: "folder", pattern: "mv */jobs/*[0-9a-f]/generation" };
/** The runner has begun and is about to leave its pid. */
const RECORD = { name: "record", pattern: "mv */jobs/*[0-9a-f]/process" };

const shut = ({ name, pattern }: typeof STOP) => ({ prepare: (gates: Gates) => gates.close(name, pattern) });
const waitAt = (gate: typeof STOP) => ({ ...shut(gate), reach: ({ gates }: Round) => gates.reached(gate.name) });

async function jobIs(round: Round, what: string, holds: (job: SwapJob) => boolean): Promise<void> {
  const path = `/api/swap/${round.jobId}`;
  await until(what, async () => holds(await round.controller.get<SwapJob>(path)), REACH_LIMIT_MS);
}

const jobFile = ({ head, jobId }: Round, name: string) => head.homeFile(`.spark-control/jobs/${jobId}/${name}`);
const recordIsMissing = (round: Round) => {
  if (existsSync(jobFile(round, "process"))) throw new Error("the pid is already written");
};

/** The shell that makes the folder dies too, as when its Spark kills the session. */
async function killWaitingStart({ head }: Round): Promise<void> {
  const starting = async () =>
    (await head.processes()).filter(({ args }) => /spark-job-start|mv .*generation/.test(args)).map(({ pid }) => pid);
  await head.exec(`kill -9 ${(await starting()).join(" ")}`);
  await until("nothing starts a job any more", async () => (await starting()).length === 0);
}

export async function loadIsHalf(round: Pick<Round, "head" | "jobId">): Promise<void> {
  await until("the weights are at 50 %", async () => /shards: +50%/.test(await allLogs(round)), REACH_LIMIT_MS);
}

/** What a new model's log says on the head: the launcher's own output, or the container's. */
async function allLogs({ head, jobId }: Pick<Round, "head" | "jobId">): Promise<string> {
  const folders = [jobId, `${jobId}-log`].map((id) => head.homeFile(`.spark-control/jobs/${id}/log`));
  return (await Promise.all(folders.map((file) => readFile(file, "utf8").catch(() => "")))).join("");
}

/** What ran before is gone on the Sparks, and the controller does not know it yet. */
export const STOPPED: KillPoint & Required<Pick<KillPoint, "prepare">> = {
  name: "stopped but unverified",
  ending: "ready",
  at: { state: "stopping" },
  ...shut(STOP),
  reach: async ({ gates, head }) => {
    await gates.reached(STOP.name);
    await gates.close(LOOK.name, LOOK.pattern);
    await gates.open(STOP.name);
    await until("the container is gone", async () => (await head.exec("docker ps -aq")).stdout === "", REACH_LIMIT_MS);
    await gates.reached(LOOK.name);
  },
  behind: LOOK.pattern.slice(0, -2),
};

export const KILL_POINTS: readonly KillPoint[] = [
  {
    name: "claim committed",
    ending: "ready",
    at: { state: "planned" },
    ...waitAt(LOOK),
    behind: LOOK.pattern.slice(0, -2),
  },
  { name: "stop sent", ending: "ready", at: { state: "stopping" }, ...waitAt(STOP), behind: "spark-job-kill" },
  STOPPED,
  {
    name: "job folder made, nothing spawned, and its shell dies as well",
    ending: "ready",
    at: { state: "launching" },
    ...waitAt(FOLDER),
    meanwhile: async (round) => {
      await killWaitingStart(round);
      recordIsMissing(round);
    },
  },
  {
    name: "job folder made, nothing spawned, and its shell goes on later",
    ending: "ready",
    at: { state: "launching" },
    ...waitAt(FOLDER),
    meanwhile: async (round) => recordIsMissing(round),
    behind: "spark-job-start",
  },
  {
    name: "spawned, pid not yet written",
    ending: "ready",
    at: { state: "launching" },
    ...waitAt(RECORD),
    meanwhile: async (round) => recordIsMissing(round),
    behind: "spark-job-start",
  },
  {
    name: "weights at 50 %",
    ending: "ready",
    at: { state: "loading" },
    newModel: { loadSeconds: 6 },
    reach: loadIsHalf,
  },
  {
    name: "port open, chat unverified",
    ending: "ready",
    at: { state: "verifying" },
    newModel: { tokenDelayMs: 3_000 },
    reach: (round) => jobIs(round, "the chat is being verified", ({ state }) => state === "verifying"),
  },
  {
    name: "ready committed, outbox unsent",
    ending: "ready",
    unheard: true,
    at: { state: "ready" },
    reach: (round) => jobIs(round, "the swap is ready", ({ state }) => state === "ready"),
  },
  {
    name: "cancelling",
    ending: "cancelled",
    at: { state: "loading", cleaning: true, phase: "cancelling" },
    reach: async (round) => {
      await askForEnding(round, "cancelled", () => round.gates.close(STOP.name, STOP.pattern));
      await round.gates.reached(STOP.name);
    },
    behind: "spark-job-kill",
  },
  {
    name: "rolling back",
    ending: "failed",
    at: { state: "loading", leg: "rollback" },
    oldModel: { loadSeconds: 6 },
    reach: (round) =>
      jobIs(round, "the old model's weights load", ({ leg, phase }) => leg === "rollback" && phase === "weights"),
  },
  {
    name: "died after ready, not told yet",
    ending: "died",
    at: { state: "ready" },
    reach: async (round) => {
      await jobIs(round, "the swap is ready", ({ state }) => state === "ready");
      await round.gates.close(LOOK.name, LOOK.pattern);
      const engineIsGone = async () =>
        !(await round.head.processes()).some(({ argv }) => argv[0] === "VLLM::EngineCore");
      await until("it has died", engineIsGone, REACH_LIMIT_MS);
      await round.gates.reached(LOOK.name);
    },
  },
  {
    name: "death told, restore claimed",
    ending: "died",
    at: { state: "ready" },
    reach: (round) => jobIs(round, "its death is told", ({ died }) => died?.restored_by != null),
  },
  {
    name: "restoring",
    ending: "died",
    at: { state: "ready" },
    oldModel: { loadSeconds: 6 },
    reach: async (round) => {
      await jobIs(round, "its death is told", ({ died }) => died?.restored_by != null);
      const { died } = await round.controller.get<SwapJob>(`/api/swap/${round.jobId}`);
      const restore = { ...round, jobId: died?.restored_by ?? "" };
      await jobIs(restore, "the old model's weights load", ({ phase }) => phase === "weights");
    },
  },
];

/** What has to be done from outside for this ending: a cancel in mid-load, nothing else. */
export async function askForEnding(round: Round, ending: Ending, before = async () => {}): Promise<void> {
  if (ending !== "cancelled") return;
  await jobIs(round, "the weights load", ({ phase }) => phase === "weights");
  // A worker may tell of its weights first: what ran until the cancel must not depend on that.
  const engineRuns = async () => (await round.head.processes()).some(({ argv }) => argv[0] === "VLLM::EngineCore");
  await until("the head's engine runs", engineRuns, REACH_LIMIT_MS);
  await before();
  const answer = await fetch(`${round.controller.url}/api/swap/${round.jobId}`, { method: "DELETE" });
  if (answer.status !== 202) throw new Error(`DELETE answered ${answer.status}`);
}
