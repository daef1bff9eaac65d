/** What the cluster is: machines, the places on them where a vLLM may run, and the other services. */
import type { Problem } from "../config/problem.ts";

/** One Spark that can be used. A node whose entry is unusable is a `MisconfiguredNode` and is never contacted. */
export interface Node {
  readonly status: "configured";
  readonly name: string;
  /** Host name or IP address for SSH, without port. */
  readonly host: string;
  readonly user: string;
  readonly ssh_port: number;
  /** IPv4 address that the launch script and HTTP use; null means: take the address that SSH connected to. */
  readonly address: string | null;
  /** Folder of the launch script's checkout on this node; may begin with `~/`. */
  readonly launch_dir: string;
  /** Network interfaces for `--eth-if` / `--ib-if`; null lets the script find them. */
  readonly eth_if: string | null;
  readonly ib_if: string | null;
}

export interface MisconfiguredNode {
  readonly status: "misconfigured";
  readonly name: string;
  /** Why, in one sentence that names the field and where it came from. */
  readonly reason: string;
}

export type NodeEntry = Node | MisconfiguredNode;

/** A place where one vLLM runs. `nodes[0]` is the head; a model that needs fewer nodes uses the first ones. */
export interface Slot {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly port: number;
  readonly container: string;
  /** Docker image that the launch script starts. */
  readonly image: string;
}

export type ServiceKind = "asr" | "diarizer" | "tts" | "embeddings" | "reranker" | "qdrant" | "vllm" | "http" | "bot";

/** What updating a bot needs: its own login on the node and its checkout there. */
export interface BotSettings {
  readonly user: string;
  /** May begin with `~/`, which is then the bot user's home. */
  readonly directory: string;
  readonly branch: string;
}

/** Where both `node` and `host` are null, the service is not configured. */
export interface Service {
  readonly name: string;
  readonly kind: ServiceKind;
  /** Node that hosts it; its address is used unless `host` is set. Null when only `host` is known. */
  readonly node: string | null;
  readonly host: string | null;
  /** Null for a service without HTTP, such as the bot. */
  readonly port: number | null;
  readonly container: string | null;
  /** Hidden by `DISABLED_SERVICES` or `disabled: true`; a bot without a user is hidden too. */
  readonly disabled: boolean;
  /** Restarted by the controller itself, within bounds, once it has failed. */
  readonly auto_restart: boolean;
  /** Only for kind `bot`, once a user is set. */
  readonly bot?: BotSettings;
}

export interface Settings {
  /** Seconds without any progress after which a load counts as stuck. */
  readonly stall_seconds: number;
  /** Seconds that a swap waits for requests in flight, and what it does with those that still run then. */
  readonly drain_seconds: number;
  readonly drain_on_timeout: "ask" | "fail" | "cut_off";
  /** Upper bound of one load in seconds. */
  readonly load_limit_seconds: number;
  /** Memory in GiB kept free on each node beside the model when a plan is judged. */
  readonly memory_reserve_gib: number;
  /** Requests that the gateway sends to one upstream at a time, and that may wait: vLLM; speech; embeddings and reranker. */
  readonly gateway_chat_in_flight: number;
  readonly gateway_chat_queue: number;
  readonly gateway_audio_in_flight: number;
  readonly gateway_audio_queue: number;
  readonly gateway_text_in_flight: number;
  readonly gateway_text_queue: number;
  /** Seconds after which a waiting request is refused. */
  readonly gateway_queue_seconds: number;
  /** Seconds between two light probes of a service. */
  readonly probe_seconds: number;
  /** Minutes between two deep checks of a service; 0: only on demand. */
  readonly deep_check_minutes: number;
  /** Seconds that a service may take from its start to its first answer. */
  readonly service_start_seconds: number;
  /** Seconds after which an update of a bot is ended. */
  readonly update_limit_seconds: number;
  /** Whether a model that no longer answers is loaded again by itself. */
  readonly auto_restart_vllm: boolean;
  /** Whether the requests at a time are those numbers, or fewer where the latency says so. */
  readonly gateway_limit: "fixed" | "adaptive";
  /** What becomes of a request for a model that is not loaded: told so, or held until it is. */
  readonly gateway_routing: "refuse" | "hold";
  /** Seconds after which a held request is refused. */
  readonly gateway_hold_seconds: number;
  /** Seconds that a model serves at least before another is loaded for a held request. */
  readonly gateway_dwell_seconds: number;
  readonly allowed_hosts: readonly string[];
  readonly cors_origins: readonly string[];
  readonly trusted_proxies: readonly string[];
}

export interface Topology {
  readonly nodes: readonly NodeEntry[];
  /** False: topology.yaml has no list of nodes just now, or one with an entry without a name: one that is not among `nodes` is not gone for sure. */
  readonly nodesAreAll: boolean;
  readonly slots: readonly Slot[];
  readonly services: readonly Service[];
  readonly settings: Settings;
  readonly problems: readonly Problem[];
}

/** Whether it was taken out on purpose: a file that somebody is still writing takes none out. */
export function isTakenOut({ nodes, nodesAreAll }: Topology, name: string): boolean {
  return nodesAreAll && nodes.every((node) => node.name !== name);
}

/** The node of that name if it can be used. */
export function usableNode(topology: Topology, name: string): Node | undefined {
  const entry = topology.nodes.find((node) => node.name === name);
  return entry?.status === "configured" ? entry : undefined;
}

/** False until at least one node can be used: then Set-up is shown and swaps answer 503 `not_configured`. */
export function isConfigured(topology: Topology): boolean {
  return topology.nodes.some((node) => node.status === "configured");
}
