/**
 * SIGKILL of the controller at random moments of swaps on the lab's hosts, solo and across both: swaps that go well, loads that fail,
 * cancels, models that die right after they were ready, and what follows such a death up to the model before. After each restart the swap must be adopted and end as it would have, with
 * the model before back where it should be, and at most one vLLM a host at any time.
 */
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { MODELS, served, slotOf } from "../lab/survive-lab.ts";
import type { Behaviour } from "../lab/vllm/behaviour.ts";
import { VllmWatch } from "../lab/vllm-watch.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Campaign } from "./campaign.ts";

/** Kills lie between the claim and a little after ready: up to this part of what an undisturbed swap takes. */
const LATEST_KILL = 1.1;
/** How long one takes is measured anew after so many rounds: other work on the machine may have slowed it down. */
const MEASURED_EVERY = 25;
const LOAD_SECONDS = 1.5;
/** How long a model that dies has been ready by then. */
const DIES_AFTER_SECONDS = 2;
const DEATH_TOLD_MS = 60_000;
/** How long it takes at most until a death is told. */
const NOTICED_MS = 6_000;
/** By turns; as many of the first as of all others, because what goes well is what people do. */
const KINDS = ["well", "fails", "well", "is cancelled", "well", "dies", "well", "is restored"] as const;
type Kind = (typeof KINDS)[number];
const FAILURES = ["oom", "engine", "killed"] as const;
const PAIRS = [
  ["small", "other"],
  ["pair", "duo"],
] as const;

interface Round {
  readonly kind: Kind;
  readonly killedAfterMs: number;
  /** State of the swap when the controller was killed. */
  readonly killedIn: string;
  readonly wrong: string | null;
  readonly seconds: number;
}

/** The model to which the swap of this turn leads: from one host to both, or back. */
async function nextModel(controller: Controller, turn: number): Promise<string> {
  const pair = PAIRS[turn % PAIRS.length] ?? PAIRS[0];
  return (await slotOf(controller)).model === pair[0] ? pair[1] : pair[0];
}

/** An undisturbed swap of each kind. @returns milliseconds from the claim to the end of the quicker one */
async function measure(controller: Controller): Promise<number> {
  const times: number[] = [];
  for (const turn of [1, 0, 1]) {
    const began = performance.now();
    const { state } = await controller.swap(await nextModel(controller, turn));
    if (state !== "ready") throw new Error(`an undisturbed swap ended as ${state}`);
    times.push(performance.now() - began);
  }
  // The first one had perhaps nothing to stop.
  return Math.min(...times.slice(1));
}

function behaviourOf(kind: Kind, turn: number): Partial<Behaviour> {
  if (kind === "fails") return { fail: FAILURES[turn % FAILURES.length] ?? "oom" };
  return kind === "dies" || kind === "is restored" ? { fail: "die_after_ready", afterSeconds: DIES_AFTER_SECONDS } : {};
}

/** Ends the swap, unless it has ended. */
async function cancel(controller: Controller, jobId: string): Promise<void> {
  const { status } = await fetch(`${controller.url}/api/swap/${jobId}`, { method: "DELETE" });
  if (![200, 202, 409].includes(status)) throw new Error(`a cancel was answered with ${status}`);
}

/** Which model has to answer now. @returns in words what is wrong already, else its key */
async function expected(controller: Controller, kind: Kind, job: SwapJob, before: string) {
  const said = `${job.state}: ${job.failure?.code} ${job.failure?.evidence}`;
  if (kind === "fails")
    return job.state === "failed" && job.rolled_back_to === before ? { model: before } : { wrong: said };
  if (kind === "is cancelled" && job.state === "cancelled") return { model: before };
  if (job.state !== "ready") return { wrong: said };
  if (kind === "well") return { model: job.model };
  const dead = () => controller.get<SwapJob>(`/api/swap/${job.job_id}`);
  await until("its death is told", async () => (await dead()).died != null, DEATH_TOLD_MS);
  const { died, reason } = await dead();
  if (!died?.restored_by) return { wrong: `not restored: ${reason}` };
  const { state, failure } = await controller.settled(died.restored_by);
  return state === "ready" ? { model: before } : { wrong: `the restore is ${state}: ${failure?.code}` };
}

/** Until it is ready, so that the kill falls between that and the end of its restore. */
async function untilReady(controller: Controller, jobId: string): Promise<void> {
  const { state, failure } = await controller.settled(jobId);
  if (state !== "ready") throw new Error(`it was ${state} before any kill: ${failure?.code}`);
}

/** What it is at in the moment of the kill: a restore counts as what it is at itself. */
async function stateOf(controller: Controller, jobId: string): Promise<string> {
  const { state, died } = await controller.get<SwapJob>(`/api/swap/${jobId}`);
  if (!died?.restored_by) return state;
  return `restore ${(await controller.get<SwapJob>(`/api/swap/${died.restored_by}`)).state}`;
}

/** One swap, killed once. @returns the round, and the controller that runs now */
async function play(
  lab: Lab,
  dataDir: string,
  controller: Controller,
  turn: number,
  next: () => number,
  swapMs: number,
) {
  const began = performance.now();
  const kind = KINDS[turn % KINDS.length] ?? "well";
  const span = kind === "is restored" ? DIES_AFTER_SECONDS * 1000 + NOTICED_MS + swapMs : LATEST_KILL * swapMs;
  const killedAfterMs = Math.floor(next() * span);
  const cancelledFirst = kind === "is cancelled" && next() < 0.5;
  const before = (await slotOf(controller)).model ?? "";
  // By a turn of its own, or a kind would always meet the same pair of models.
  const model = await nextModel(controller, Math.floor(next() * PAIRS.length));
  await lab.behave({ loadSeconds: LOAD_SECONDS, models: { [`acme/${model}`]: behaviourOf(kind, turn) } });
  const watch = new VllmWatch(lab.hosts);
  const { job_id } = await controller.begin(model);
  if (kind === "is restored") await untilReady(controller, job_id);
  const cancelAfterMs = cancelledFirst ? Math.floor(next() * killedAfterMs) : 0;
  await Bun.sleep(cancelAfterMs);
  if (cancelledFirst) await cancel(controller, job_id);
  await Bun.sleep(killedAfterMs - cancelAfterMs);
  const killedIn = await stateOf(controller, job_id);
  await controller.kill();
  const restarted = await Controller.start({ dataDir });
  if (kind === "is cancelled" && !cancelledFirst) await cancel(restarted, job_id);
  const job = await restarted.settled(job_id);
  const right = await expected(restarted, kind, job, before);
  const answers = await served(lab);
  const { most } = await watch.end();
  const wrong =
    "wrong" in right
      ? right.wrong
      : !answers?.includes(`acme/${right.model}`)
        ? `${job.state}, but the port answers ${JSON.stringify(answers)} instead of ${right.model}`
        : most.some((count) => count > 1)
          ? `${most.join(" and ")} vLLMs at once`
          : null;
  const round: Round = { kind, killedAfterMs, killedIn, wrong, seconds: (performance.now() - began) / 1000 };
  return { round, controller: restarted };
}

function table(rounds: readonly Round[]): string {
  const rowsBy = (what: "killedIn" | "kind") =>
    [...new Set(rounds.map((round) => round[what]))].sort().map((name) => {
      const there = rounds.filter((round) => round[what] === name);
      const wrong = there.filter((round) => round.wrong !== null).length;
      return `${name.padEnd(19)} ${String(there.length).padStart(6)} ${String(wrong).padStart(6)}`;
    });
  const seconds = rounds.map((round) => round.seconds).sort((a, b) => a - b);
  const median = seconds[seconds.length >> 1] ?? 0;
  const rows = [
    "killed in           rounds  wrong",
    ...rowsBy("killedIn"),
    "",
    "which               rounds  wrong",
    ...rowsBy("kind"),
  ];
  return [...rows, "", `median ${median.toFixed(1)} s a round`].join("\n");
}

export const swap: Campaign = {
  name: "swap",
  defaultRounds: 200,
  async run(count, next) {
    const lab = await startLab({ dialect: "new" });
    const data = makeDataDir({ "topology.yaml": lab.topologyYaml, "models-overrides.yaml": MODELS });
    const rounds: Round[] = [];
    let controller: Controller | undefined;
    try {
      await lab.authorize(data.publicKeyLine);
      await lab.behave({ loadSeconds: LOAD_SECONDS });
      controller = await Controller.start(data);
      let swapMs = 0;
      for (let turn = 0; turn < count; turn++) {
        if (turn % MEASURED_EVERY === 0) {
          await lab.behave({ loadSeconds: LOAD_SECONDS });
          swapMs = await measure(controller);
        }
        const played = await play(lab, data.dataDir, controller, turn, next, swapMs);
        controller = played.controller;
        rounds.push(played.round);
        const { kind, killedAfterMs, killedIn, wrong } = played.round;
        console.log(
          `${turn + 1}. ${kind}, killed after ${killedAfterMs} ms in ${killedIn}: ${wrong ?? "adopted, the right end, one vLLM"}`,
        );
      }
    } finally {
      await controller?.stop();
      await lab.close();
      data.remove();
    }
    console.log(`\n${table(rounds)}`);
    return rounds.every(({ wrong }) => wrong === null);
  },
};
