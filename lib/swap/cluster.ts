/** What a swap needs of the Sparks; lib/spark provides it over SSH and HTTP. All calls throw `Fault` on failure. */
import type { Node } from "../topology/topology.ts";

/** A vLLM server on a node, outside of the container that was looked at. */
export interface Stranger {
  readonly pid: number;
  readonly model: string;
  /** Null for the rank of a worker, which listens on none. */
  readonly port: number | null;
  /** Null: it runs in no container. */
  readonly container: string | null;
  readonly commandLine: string;
}

export interface NodeView {
  readonly bootId: string;
  /** Node's clock minus ours, in seconds. */
  readonly clockSkewSeconds: number;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  /** Somebody listens on the slot's port. */
  readonly portOpen: boolean;
  readonly container: {
    readonly running: boolean;
    readonly image: string;
    readonly startedAt: string;
    /** The kernel has killed something in it for memory. Left out: not known. */
    readonly outOfMemory?: boolean;
  } | null;
  /** Command lines of the vLLM processes inside the slot's container. */
  readonly vllm: readonly string[];
  /** Those of other slots are among them: see `strangersAmong`. */
  readonly strangers: readonly Stranger[];
}

export interface Fence {
  /** Instance id of another controller; null when the node is this one's, or nobody's. */
  readonly foreign: string | null;
  readonly generation: number;
}

export interface JobReading {
  readonly state: "absent" | "prepared" | "running" | "exited" | "vanished" | "rebooted";
  readonly exitCode: number | null;
  readonly chunk: Uint8Array;
  readonly nextOffset: number;
  readonly skipped: number;
}

export interface JobOrder {
  readonly id: string;
  readonly generation: number;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What one HTTP request to a vLLM brought. `status` null: no answer (refused, reset, timed out). */
export interface HttpAnswer {
  readonly status: number | null;
  readonly body: unknown;
  /** Nothing listens there: no answer came because nobody is there to give one. */
  readonly isRefused?: boolean;
}

export interface SparkControl {
  /** IPv4 address for HTTP and the launch script. */
  address(node: Node, signal: AbortSignal): Promise<string>;
  look(
    node: Node,
    place: { readonly container: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<NodeView>;
  /** Refused (Fault `fenced`) when the node has seen a higher generation, or another controller. */
  stopContainer(node: Node, container: string, generation: number, signal: AbortSignal): Promise<void>;
  /** Ids of the launches that run there, of whichever controller; log keepers and downloads left out. */
  runningLaunches(node: Node, signal: AbortSignal): Promise<readonly string[]>;
  /** The words with which a launch was started; null when its folder does not tell. */
  launchedWith(node: Node, id: string, signal: AbortSignal): Promise<readonly string[] | null>;
  /** Text of the launch script; null when it is not there. */
  launchScript(node: Node, signal: AbortSignal): Promise<string | null>;
  hasImage(node: Node, image: string, signal: AbortSignal): Promise<boolean>;
  hasFolder(node: Node, path: string, signal: AbortSignal): Promise<boolean>;
  /** KiB that the SSH user may still write below the home folder; null when `df` did not tell. */
  freeDiskKib(node: Node, signal: AbortSignal): Promise<number | null>;
  /** Which other controller the node belongs to, and the highest generation that it has seen. */
  fence(node: Node, signal: AbortSignal): Promise<Fence>;
  /** Shows the node this generation. Refused like `stopContainer`; nothing else happens. */
  passFence(node: Node, generation: number, signal: AbortSignal): Promise<void>;
  startJob(node: Node, order: JobOrder, signal: AbortSignal): Promise<void>;
  /** Starts the job that keeps the container's own log beyond its removal. */
  keepLog(node: Node, id: string, generation: number, container: string, signal: AbortSignal): Promise<void>;
  readJob(node: Node, id: string, offset: number, maxBytes: number, signal: AbortSignal): Promise<JobReading>;
  /** Refused like `stopContainer`. */
  killJob(node: Node, id: string, generation: number, signal: AbortSignal): Promise<void>;
  /** Do these arguments of `vllm serve` pass vLLM's own parser? @returns null when they do, else what it says */
  checkArguments(
    node: Node,
    container: string,
    image: string,
    serveArguments: readonly string[],
    signal: AbortSignal,
  ): Promise<string | null>;
  get(url: string, deadlineMs: number, signal: AbortSignal): Promise<HttpAnswer>;
  post(url: string, body: unknown, deadlineMs: number, signal: AbortSignal): Promise<HttpAnswer>;
}
