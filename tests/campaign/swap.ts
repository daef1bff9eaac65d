/**
 * SIGKILL of the controller at random moments of swaps on the lab's hosts, solo and across both; after each restart the swap
 * must be adopted and end as it would have, with at most one vLLM a host at any time.
 */
import { type Lab, startLab } from "../lab/lab.ts";
import { MODELS, served, slotOf } from "../lab/survive-lab.ts";
import { VllmWatch } from "../lab/vllm-watch.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import type { Campaign } from "./campaign.ts";

/** Kills lie between the claim and a little after ready: up to this part of what an undisturbed swap takes. */
const LATEST_KILL = 1.1;
/** How long one takes is measured anew after so many rounds: other work on the machine may have slowed it down. */
const MEASURED_EVERY = 25;
const LOAD_SECONDS = 1.5;
const PAIRS = [
  ["small", "other"],
  ["pair", "duo"],
] as const;

interface Round {
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

/** One swap, killed once. @returns the round, and the controller that runs now */
async function play(lab: Lab, dataDir: string, controller: Controller, turn: number, killAfterMs: number) {
  const began = performance.now();
  const model = await nextModel(controller, turn);
  const watch = new VllmWatch(lab.hosts);
  const { job_id } = await controller.begin(model);
  await Bun.sleep(killAfterMs);
  const { state: killedIn } = await controller.get<{ state: string }>(`/api/swap/${job_id}`);
  await controller.kill();
  const next = await Controller.start({ dataDir });
  const job = await next.settled(job_id);
  const answers = await served(lab);
  const { most } = await watch.end();
  const wrong =
    job.state !== "ready"
      ? `${job.state}: ${job.failure?.code} ${job.failure?.evidence}`
      : !answers?.includes(`acme/${model}`)
        ? `ready, but the port answers ${JSON.stringify(answers)}`
        : most.some((count) => count > 1)
          ? `${most.join(" and ")} vLLMs at once`
          : null;
  const round: Round = { killedAfterMs: killAfterMs, killedIn, wrong, seconds: (performance.now() - began) / 1000 };
  return { round, controller: next };
}

function table(rounds: readonly Round[]): string {
  const states = [...new Set(rounds.map(({ killedIn }) => killedIn))].sort();
  const rows = states.map((state) => {
    const there = rounds.filter(({ killedIn }) => killedIn === state);
    const wrong = there.filter((round) => round.wrong !== null).length;
    return `${state.padEnd(12)} ${String(there.length).padStart(6)} ${String(wrong).padStart(6)}`;
  });
  const seconds = rounds.map((round) => round.seconds).sort((a, b) => a - b);
  const median = seconds[seconds.length >> 1] ?? 0;
  return ["killed in    rounds  wrong", ...rows, "", `median ${median.toFixed(1)} s a round`].join("\n");
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
        if (turn % MEASURED_EVERY === 0) swapMs = await measure(controller);
        const killAfterMs = Math.floor(next() * LATEST_KILL * swapMs);
        const played = await play(lab, data.dataDir, controller, turn, killAfterMs);
        controller = played.controller;
        rounds.push(played.round);
        const { killedAfterMs, killedIn, wrong } = played.round;
        console.log(
          `${turn + 1}. killed after ${killedAfterMs} ms in ${killedIn}: ${wrong ?? "adopted, ready, one vLLM"}`,
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
