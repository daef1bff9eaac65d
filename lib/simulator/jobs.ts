/** The job root `~/.spark-control` of one host, as the named scripts of docs/ARCHITECTURE.md keep it. */
import { ByteLog } from "./byte-log.ts";

/** Same words as JobState in lib/ssh/jobs.ts. */
export type SimulatedJobState = "absent" | "prepared" | "running" | "exited" | "vanished" | "rebooted";

export interface Job {
  readonly id: string;
  readonly generation: number;
  readonly argv: readonly string[];
  readonly log: ByteLog;
  exitCode: number | null;
  process: { readonly pid: number; readonly bootId: string } | null;
}

/** Survives a reboot: it is on the disk. */
export class JobRoot {
  instance: string | null = null;
  generation = 0;
  readonly #jobs = new Map<string, Job>();

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  create(id: string, generation: number, argv: readonly string[]): Job {
    const job: Job = { id, generation, argv, log: new ByteLog(), exitCode: null, process: null };
    this.#jobs.set(id, job);
    return job;
  }

  newestFirst(): readonly Job[] {
    return [...this.#jobs.values()].reverse();
  }
}

export function jobState(job: Job | undefined, bootId: string, isAlive: (pid: number) => boolean): SimulatedJobState {
  if (!job) return "absent";
  if (job.exitCode !== null) return "exited";
  if (!job.process) return "prepared";
  if (job.process.bootId !== bootId) return "rebooted";
  return isAlive(job.process.pid) ? "running" : "vanished";
}
