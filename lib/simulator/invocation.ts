/** How a simulated program is called. */
import type { VirtualProcess } from "./processes.ts";
import type { SimulatedSpark } from "./spark.ts";

export interface Stdio {
  out(data: string | Uint8Array): void;
  err(data: string | Uint8Array): void;
}

export interface Invocation {
  readonly spark: SimulatedSpark;
  /** Every host, so that a head can start work on its workers. */
  readonly cluster: readonly SimulatedSpark[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdio: Stdio;
  /** Aborts when the SSH channel closes or the process is killed. */
  readonly signal: AbortSignal;
  /** The process it runs as; null for a short command of an SSH channel. */
  readonly process: VirtualProcess | null;
}

/** Resolves with the exit code. */
export type Program = (call: Invocation) => Promise<number> | number;

export function sh(call: Invocation, text: string, code: number): number {
  call.stdio.err(`${text}\n`);
  return code;
}
