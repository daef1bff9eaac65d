/** Which models there are, and how each is served. */
import type { Problem } from "../config/problem.ts";

/** Exactly one of a Hugging Face repository or a directory on the Sparks. */
export type ModelSource =
  | { readonly kind: "repo"; readonly repo: string }
  | { readonly kind: "local"; readonly path: string };

export interface Model {
  /** Stable identifier in the catalog, `[a-z0-9][a-z0-9._-]*`, at most 64 characters. */
  readonly key: string;
  /** For people: "Qwen3 235B A22B". */
  readonly name: string;
  readonly source: ModelSource;
  /** Sparks it needs: 1 = solo on the head of a slot, 2 = tensor parallel over two. */
  readonly nodes: number;
  /** "4-bit AWQ"; null when not stated. */
  readonly quantization: string | null;
  /** Weights on disk in GB (10^9 bytes), over all nodes together; null when unknown. */
  readonly size_gb: number | null;
  /** vLLM's `--gpu-memory-utilization`, a fraction of each node's memory, 0 < x ≤ 0.98. */
  readonly gpu_memory_utilization: number;
  readonly max_model_len: number | null;
  /** What `/v1/models` shows; null = vLLM's default (the repo or path). */
  readonly served_name: string | null;
  readonly aliases: readonly string[];
  /** Further arguments of `vllm serve`, one string an argument. */
  readonly args: readonly string[];
  /** Path of a chat template; inside `source.path` for a local model. */
  readonly chat_template: string | null;
  /** Environment variables for the container: `-e NAME=value`. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the launch script's checkout for `--apply-mod`, such as `mods/fix-qwen`. */
  readonly mods: readonly string[];
  /** Overrides the slot's image. */
  readonly image: string | null;
  readonly note: string | null;
  /** Which layer defined it last; disk: it lies on a Spark, and nobody wrote it down. */
  readonly origin: "shipped" | "overrides" | "disk";
}

export interface Catalog {
  readonly models: readonly Model[];
  /** Repositories of models that were taken out of the menu. */
  readonly removedRepos?: readonly string[];
  /** Models that were taken out of the menu, and can be brought back. */
  readonly hidden?: readonly { readonly key: string; readonly name: string }[];
  readonly problems: readonly Problem[];
}

/** What vLLM is told to serve: the repository name or the directory. */
export function servedSource(model: Model): string {
  return model.source.kind === "repo" ? model.source.repo : model.source.path;
}
