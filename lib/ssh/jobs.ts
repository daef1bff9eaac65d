/**
 * Detached jobs: work on a Spark that outlives the controller, with a directory on the Spark as its record.
 * The implementation is in detached-jobs.ts.
 */
import type { SshTarget } from "./ssh.ts";

export interface JobSpec {
  /** UUIDv7 of the swap plus an optional suffix: `[a-z0-9-]{1,80}`. */
  readonly id: string;
  /** Fencing: the node refuses a generation lower than the highest it has seen. */
  readonly generation: number;
  /** Controller's instance id (UUID). A node that remembers another one refuses. */
  readonly instance: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; a leading `~/` is the home of the SSH user. */
  readonly cwd: string;
}

/**
 * absent: no such directory. prepared: directory made, nothing known to have been spawned. running: the recorded
 * process (pid, its start time, boot id) lives. exited: exit code written. vanished: the process is gone and left no
 * exit code (SIGKILL). rebooted: recorded under another boot id and no exit code.
 */
export type JobState = "absent" | "prepared" | "running" | "exited" | "vanished" | "rebooted";

export interface JobReading {
  readonly state: JobState;
  readonly exitCode: number | null;
  readonly pid: number | null;
  readonly generation: number | null;
  /** Log bytes from the asked offset on, at most `maxBytes`, raw (UTF-8 may be split at the ends). */
  readonly chunk: Uint8Array;
  /** Ask for this offset next. Offsets count every byte ever written, also those rotated away. */
  readonly nextOffset: number;
  /** Bytes between the asked offset and the chunk that rotation has dropped; 0 normally. */
  readonly skipped: number;
  /** Total bytes ever written. */
  readonly logSize: number;
}

export interface DetachedJobs {
  /**
   * Check of generation and instance, and spawn, happen under `flock` on the node. Starting an id that exists is a
   * no-op that reports it: safe to repeat after a lost answer.
   * @throws FencedError when the node refuses; SshError
   */
  start(
    target: SshTarget,
    spec: JobSpec,
    options: { deadlineMs: number; signal?: AbortSignal },
  ): Promise<{ readonly existed: boolean }>;
  read(
    target: SshTarget,
    id: string,
    options: { offset: number; maxBytes: number; deadlineMs: number; signal?: AbortSignal },
  ): Promise<JobReading>;
  /**
   * SIGKILL to the process group of the job, after checking that it is still the same process.
   * @param options.fence who asks: checked as at a start. Without it, whoever asks may kill
   * @throws FencedError when the node refuses; SshError
   */
  kill(
    target: SshTarget,
    id: string,
    options: { deadlineMs: number; signal?: AbortSignal; fence?: Pick<JobSpec, "generation" | "instance"> },
  ): Promise<void>;
  /** Ids of all jobs on the node, with generation and state, newest first. */
  list(
    target: SshTarget,
    options: { deadlineMs: number; signal?: AbortSignal },
  ): Promise<readonly { readonly id: string; readonly generation: number; readonly state: JobState }[]>;
}
