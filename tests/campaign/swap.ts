/**
 * SIGKILL of the controller at random moments of swaps on the lab's hosts, solo and across both; after each restart the swap
 * must be adopted and end as it would have, with at most one vLLM a host at any time.
 */
import { type Lab, startLab } from "../lab/lab.ts";
import { MODELS, served, slotOf } from "../lab/survive-lab.ts";
import { VllmWatch } from "../lab/vllm-watch.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import type { Campaign } from "./campaign.ts";

/** From the claim to a little after ready, for loads of LOAD_SECONDS. */
const LATEST_KILL_MS = 9_000;
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

/** One swap, killed once. @returns the round, and the controller that runs now */
async function play(lab: Lab, dataDir: string, controller: Controller, turn: number, killAfterMs: number) {
  const began = performance.now();
  const pair = PAIRS[turn % PAIRS.length] ?? PAIRS[0];
  const model = (await slotOf(controller)).model === pair[0] ? pair[1] : pair[0];
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
      for (let turn = 0; turn < count; turn++) {
        const played = await play(lab, data.dataDir, controller, turn, Math.floor(next() * LATEST_KILL_MS));
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
