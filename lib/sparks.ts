/** The way to the Sparks, built once: SSH connections that are kept, detached jobs, fences, and what a swap needs of them. */
import type { Logger } from "./log.ts";
import { createSparkControl } from "./spark/spark-control.ts";
import { onNode, SparkSsh, targetOf } from "./spark/spark-ssh.ts";
import { steadySsh } from "./spark/steady-ssh.ts";
import { createSsh, type SshOptions } from "./ssh/connection-pool.ts";
import { createDetachedJobs } from "./ssh/detached-jobs.ts";
import { fencedStop, readFence, takeOver } from "./ssh/fence.ts";
import type { DetachedJobs } from "./ssh/jobs.ts";
import { watchedSsh } from "./ssh/watched-ssh.ts";
import type { SparkControl } from "./swap/cluster.ts";
import type { Timing } from "./swap/timing.ts";
import type { Node } from "./topology/topology.ts";

interface Means extends Omit<SshOptions, "log"> {
  /** This controller's id, for the fences. */
  readonly instance: string;
  readonly timing: Pick<Timing, "sshDeadlineMs" | "stopGraceSeconds">;
  readonly log: Logger;
  /** A Spark that was taken over has seen this generation: this controller goes on above it. */
  onTakenOver(generation: number): void;
  /** A command is over. */
  readonly onCommand: Parameters<typeof watchedSsh>[1];
}

export interface Sparks {
  readonly ssh: ReturnType<typeof createSsh>;
  /** The same with errors that name the Spark, and questions asked again whose answer was lost. */
  readonly sparkSsh: SparkSsh;
  readonly control: SparkControl;
  readonly jobs: DetachedJobs;
  /** @param from id of the controller that it belongs to now. @throws Fault 409 it belongs to yet another, 502 */
  takeOver(node: Node, from: string, signal: AbortSignal): Promise<void>;
}

export function createSparks({ instance, timing, log, onCommand, onTakenOver, ...options }: Means): Sparks {
  const ssh = watchedSsh(createSsh(options), onCommand);
  const steady = steadySsh(ssh);
  const { sshDeadlineMs: deadlineMs, stopGraceSeconds } = timing;
  const sparkSsh = new SparkSsh(steady, deadlineMs);
  const jobs = createDetachedJobs(steady);
  const control = createSparkControl({
    ssh: sparkSsh,
    jobs,
    fences: {
      read: (target, call) => readFence(steady, target, call),
      stop: (target, order, call) => fencedStop(steady, target, order, call),
    },
    instance,
    deadlineMs,
    stopGraceSeconds,
    now: Date.now,
  });
  return {
    ssh,
    sparkSsh,
    control,
    jobs,
    async takeOver(node, from, signal) {
      await onNode(node, () => takeOver(ssh, targetOf(node), { from, to: instance }, { deadlineMs, signal }));
      log.warn("a Spark was taken over", { node: node.name, from });
      // What another controller has given out there tells nothing about the age of these data.
      onTakenOver((await control.fence(node, signal)).generation);
    },
  };
}
