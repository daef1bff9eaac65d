/** What the controller adds to a load: the launch script run by hand over SSH against the same swap, both from nothing. */

import { command } from "../../lib/ssh/quote.ts";
import { IMAGE_NAME } from "../lab/image.ts";
import { CONTAINER, VLLM_PORT } from "../lab/lab.ts";
import { clusterFlags } from "../lab/launch.ts";
import type { Bench } from "./bench.ts";
import { type LabCluster, startController } from "./cluster.ts";
import { firstAnswer } from "./first-answer.ts";
import { watchSwap } from "./watched-swap.ts";

const ROUNDS = 3;
/** Long enough to be a load, short enough for a bench; a real one takes minutes, and the difference stays the same. */
const LOAD_SECONDS = 5;
const LIMIT_MS = 60_000;

export const overhead: Bench = {
  name: "overhead",
  async run(context) {
    const cluster = await context.lab();
    if (!cluster) return [{ name: "launch script against controller", skipped: `no lab: ${context.noLab}` }];
    await cluster.lab.behave({ loadSeconds: LOAD_SECONDS });
    try {
      const byHand: number[] = [];
      const byController: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        byHand.push(await launchByHand(cluster));
        await cluster.reset();
        byController.push(await swap(cluster));
        await cluster.reset();
      }
      const added = byController.map((seconds, round) => seconds - (byHand[round] ?? 0));
      const ratio = byController.map((seconds, round) => seconds / (byHand[round] ?? 0));
      return [
        { name: "launch script by hand to first answer", unit: "s", values: byHand, bar: null },
        { name: "the same swap to ready", unit: "s", values: byController, bar: null },
        { name: "the controller adds", unit: "s", values: added, bar: null },
        { name: `ratio at a load of ${LOAD_SECONDS} s`, unit: "×", values: ratio, bar: null },
      ];
    } finally {
      await cluster.lab.behave({});
    }
  },
};

/** As an owner would: one SSH session that stays open. @returns seconds to the first answer */
async function launchByHand({ lab, keyPath, vllmUrl }: LabCluster): Promise<number> {
  const { head } = lab;
  const flags = [...clusterFlags(lab, 1), "--solo", "-t", IMAGE_NAME, "--name", CONTAINER];
  const serve = ["vllm", "serve", "acme/small", "--host", "0.0.0.0", "--port", String(VLLM_PORT)];
  const line = command([lab.launchScript, ...flags, "exec", ...serve, "--gpu-memory-utilization", "0.2"]);
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"];
  const begun = performance.now();
  const session = Bun.spawn(
    ["ssh", "-q", "-i", keyPath, ...options.flatMap((option) => ["-o", option]), `${head.user}@${head.address}`, line],
    { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  );
  try {
    return ((await firstAnswer(vllmUrl, AbortSignal.timeout(LIMIT_MS))) - begun) / 1000;
  } finally {
    session.kill();
    await session.exited;
  }
}

/** With a controller that knows nothing of what ran before. @returns seconds from the request to `ready` */
async function swap(cluster: LabCluster): Promise<number> {
  const { controller, stop } = await startController(cluster);
  try {
    const { posted, ready } = await watchSwap(controller, cluster.vllmUrl, cluster.models[0]);
    return (ready - posted) / 1000;
  } finally {
    await stop();
  }
}
