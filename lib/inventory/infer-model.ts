/** What can be said of a model that lies on a disk and is not in the catalog, from its config.json. Pure. */
import type { Model } from "../catalog/catalog.ts";
import { type Recipe, recipeFor } from "./recipes.ts";

const BYTES_PER_GB = 1e9;
/** A Spark's memory, in GB. */
const SPARK_GB = 128;
/** Weights that one Spark can serve with room for a context. */
const MOST_GB_ON_ONE = 95;
const SHARES = { least: 0.3, most: 0.85, step: 0.05 } as const;
/** For the context and vLLM itself. */
const BESIDE_WEIGHTS_GB = 14;
const LONGEST_CONTEXT = 65_536;
const LONGEST_KEY = 64;

export interface Found {
  readonly repo: string;
  readonly bytes: number;
  readonly unfinished: number;
  /** Text of config.json. */
  readonly config: string | null;
}

export interface Inferred {
  readonly model: Model;
  /** Why it cannot be loaded as it is, in one sentence; null when a recipe fits. */
  readonly needsSetup: string | null;
}

/** @param taken keys that are in use already. @param sparks how many there are */
export function inferModel(found: Found, taken: ReadonlySet<string>, sparks: number): Inferred {
  const config = parse(found.config);
  const size = Math.round((found.bytes / BYTES_PER_GB) * 10) / 10;
  const nodes = size > MOST_GB_ON_ONE && sparks > 1 ? 2 : 1;
  const [architecture = null] = Array.isArray(config.architectures) ? config.architectures : [];
  const recipe = typeof architecture === "string" ? recipeFor(architecture) : null;
  const model: Model = {
    key: keyOf(found.repo, taken),
    name: found.repo.split("/").at(-1) ?? found.repo,
    source: { kind: "repo", repo: found.repo },
    nodes,
    quantization: quantizationOf(config),
    size_gb: size > 0 ? size : null,
    gpu_memory_utilization: shareFor(size / nodes),
    max_model_len: contextOf(config),
    served_name: null,
    aliases: [],
    args: recipe?.args ?? [],
    chat_template: null,
    env: {},
    mods: [],
    image: null,
    note: null,
    origin: "disk",
  };
  return { model, needsSetup: lacking(found, architecture, recipe) };
}

function lacking({ config, unfinished }: Found, architecture: unknown, recipe: Recipe | null): string | null {
  if (unfinished > 0) return "Its download is not finished.";
  if (config === null) return "Its config.json cannot be read, so that nothing is known of how to serve it.";
  if (typeof architecture !== "string") return "Its config.json does not say what kind of model it is.";
  if (recipe) return null;
  const kind = architecture.slice(0, 80);
  return /ForCausalLM$|ForConditionalGeneration$/.test(kind)
    ? `There is no recipe for ${kind} yet. Add it to the catalog with the arguments that vLLM needs for it.`
    : `It is no chat model (${kind}).`;
}

type Config = Readonly<Record<string, unknown>>;

function parse(text: string | null): Config {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Config) : {};
  } catch {
    return {};
  }
}

const below = (value: unknown): Config =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Config) : {};

function quantizationOf(config: Config): string | null {
  const { quant_method: method, bits, quant_algo: algorithm } = below(config.quantization_config);
  if (typeof method === "string") {
    if (typeof algorithm === "string") return algorithm.slice(0, 40);
    const name = method.slice(0, 40).toUpperCase();
    return typeof bits === "number" && Number.isInteger(bits) ? `${bits}-bit ${name}` : name;
  }
  const type = config.torch_dtype ?? config.dtype ?? below(config.text_config).torch_dtype;
  return type === "bfloat16" ? "BF16, not quantised" : type === "float16" ? "FP16, not quantised" : null;
}

function contextOf(config: Config): number | null {
  const longest = config.max_position_embeddings ?? below(config.text_config).max_position_embeddings;
  const isLength = typeof longest === "number" && Number.isInteger(longest) && longest > 0;
  return isLength ? Math.min(longest, LONGEST_CONTEXT) : null;
}

function shareFor(gigabytes: number): number {
  const { least, most, step } = SHARES;
  const steps = Math.ceil((gigabytes * 1.05 + BESIDE_WEIGHTS_GB) / SPARK_GB / step);
  return Math.min(most, Math.max(least, Math.round(steps * step * 100) / 100));
}

/** `Qwen/Qwen3-8B-FP8` → `qwen3-8b-fp8`, with its owner in front where that is taken. */
function keyOf(repo: string, taken: ReadonlySet<string>): string {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/^[^a-z0-9]+/, "")
      .slice(0, LONGEST_KEY) || "model";
  const candidates = [plain(repo.split("/").at(-1) ?? repo), plain(repo)];
  for (let number = 2; ; number += 1) {
    const free = candidates.find((key) => !taken.has(key));
    if (free !== undefined) return free;
    candidates.push(`${candidates[1]?.slice(0, LONGEST_KEY - 4)}-${number}`);
  }
}
