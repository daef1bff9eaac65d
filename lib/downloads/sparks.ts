/** What downloads need of the Sparks. All throw `Fault`. */
import type { Node } from "../topology/topology.ts";

export interface JobSeen {
  readonly state: "absent" | "prepared" | "running" | "exited" | "vanished" | "rebooted";
  readonly exitCode: number | null;
  readonly chunk: Uint8Array;
  readonly nextOffset: number;
}

export interface DownloadSparks {
  address(node: Node, signal: AbortSignal): Promise<string>;
  hasScript(node: Node, signal: AbortSignal): Promise<boolean>;
  /** Bytes that may still be written beside the models; null when the Spark does not tell. */
  freeBytes(node: Node, signal: AbortSignal): Promise<number | null>;
  /** Bytes of the repository's folder; null when it is not there. */
  usage(node: Node, repo: string, signal: AbortSignal): Promise<number | null>;
  fence(node: Node, signal: AbortSignal): Promise<{ readonly foreign: string | null; readonly generation: number }>;
  start(
    node: Node,
    job: {
      readonly id: string;
      readonly generation: number;
      readonly argv: readonly [string, ...string[]];
      readonly cwd: string;
    },
    signal: AbortSignal,
  ): Promise<void>;
  read(node: Node, id: string, offset: number, signal: AbortSignal): Promise<JobSeen>;
  /** With all its children, after the fence. */
  kill(node: Node, id: string, signal: AbortSignal): Promise<void>;
}
