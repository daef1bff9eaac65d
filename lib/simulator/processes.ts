/** Virtual processes of one host. */
import type { Changes } from "./changes.ts";
import { Ended } from "./speed.ts";

const FIRST_PID = 1200;
/** Exit code that a shell reports for a process ended by SIGKILL. */
export const KILLED = 137;

export interface ProcessSpec {
  readonly argv: readonly string[];
  /** Process group; a new one when absent. */
  readonly group?: number;
  /** Id of the container that it runs in. */
  readonly container?: string | null;
  /** Whether SIGTERM ends it (PID 1 of a container ignores it unless it handles it). */
  readonly obeysTerm?: boolean;
}

export class VirtualProcess {
  readonly startedAt = new Date();
  readonly group: number;
  readonly container: string | null;
  readonly obeysTerm: boolean;
  readonly argv: readonly string[];
  /** Unified memory that it holds, in kB. */
  memoryKb = 0;
  /** Shown by `nvidia-smi --query-compute-apps`. */
  usesGpu = false;
  exitCode: number | null = null;
  readonly #abort = new AbortController();

  constructor(
    readonly pid: number,
    spec: ProcessSpec,
  ) {
    this.argv = spec.argv;
    this.group = spec.group ?? pid;
    this.container = spec.container ?? null;
    this.obeysTerm = spec.obeysTerm ?? true;
  }

  /** Aborts when the process is killed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get alive(): boolean {
    return this.exitCode === null && !this.signal.aborted;
  }

  /** SIGKILL. */
  kill(): void {
    this.#abort.abort(new Ended("killed"));
  }
}

export interface Spawned {
  readonly process: VirtualProcess;
  /** The exit code; 137 when killed. Never rejects. */
  readonly exited: Promise<number>;
}

export class ProcessTable {
  readonly #processes = new Map<number, VirtualProcess>();
  readonly #onExit = new Map<number, (() => void)[]>();
  #nextPid = FIRST_PID;

  constructor(private readonly changes: Changes) {}

  all(): readonly VirtualProcess[] {
    return [...this.#processes.values()];
  }

  get(pid: number): VirtualProcess | undefined {
    return this.#processes.get(pid);
  }

  /** Runs `main` as a process. It leaves the table at once when killed, whatever `main` still does. */
  spawn(spec: ProcessSpec, main: (process: VirtualProcess) => Promise<number>): Spawned {
    const process = new VirtualProcess(this.#nextPid, spec);
    this.#nextPid += 1 + (this.#nextPid % 3);
    this.#processes.set(process.pid, process);
    const killed = new Promise<number>((resolve) => {
      process.signal.addEventListener("abort", () => {
        this.#leave(process, KILLED);
        resolve(KILLED);
      });
    });
    const finished = main(process).then(
      (code) => code,
      (error: unknown) => {
        if (!(error instanceof Ended)) console.error("simulated process failed", process.argv.join(" "), error);
        return error instanceof Ended ? KILLED : 1;
      },
    );
    const exited = Promise.race([killed, finished]).then((code) => {
      this.#leave(process, code);
      return process.exitCode ?? code;
    });
    this.changes.notify();
    return { process, exited };
  }

  /** Runs `action` when the process leaves the table. */
  onExit(process: VirtualProcess, action: () => void): void {
    if (process.exitCode !== null) {
      action();
      return;
    }
    const actions = this.#onExit.get(process.pid) ?? [];
    actions.push(action);
    this.#onExit.set(process.pid, actions);
  }

  killGroup(group: number): void {
    for (const process of this.all()) if (process.group === group) process.kill();
  }

  killAll(): void {
    for (const process of this.all()) process.kill();
  }

  #leave(process: VirtualProcess, code: number): void {
    if (process.exitCode !== null) return;
    process.exitCode = code;
    this.#processes.delete(process.pid);
    for (const action of this.#onExit.get(process.pid) ?? []) action();
    this.#onExit.delete(process.pid);
    this.changes.notify();
  }
}
