/** What the simulator knows of models: their weights, and how long a start takes. */

/** GB (10^9 bytes) of weights on disk, by repository. These are also in the simulated Hugging Face cache. */
export const CACHED_MODELS: Readonly<Record<string, number>> = {
  "openai/gpt-oss-20b": 13.8,
  "openai/gpt-oss-120b": 65.3,
  "Qwen/Qwen3-8B-FP8": 9.5,
  "Qwen/Qwen3-30B-A3B-Instruct-2507-FP8": 31.2,
  "Qwen/Qwen3-Next-80B-A3B-Instruct-FP8": 82.1,
  "mistralai/Mistral-Small-3.2-24B-Instruct-2506": 48,
  "nvidia/Llama-3.3-70B-Instruct-FP4": 42.7,
  "QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ": 124,
  "zai-org/GLM-4.5-Air-FP8": 112.6,
  "QuantTrio/MiniMax-M2-AWQ": 125,
};

const FALLBACK_GB = 16;
const GB_PER_SHARD = 4.6;
const SMALLEST_SECONDS = 18;
const SECONDS_PER_GB = 3.1;

/** Gigabytes of weights: known, or guessed from the name ("70B" at 16, 8 or 4 bits). */
export function weightsGb(model: string): number {
  const known = CACHED_MODELS[model];
  if (known !== undefined) return known;
  const billions = /(?:^|[-_/])(\d+(?:\.\d+)?)b(?:$|[-_])/i.exec(model)?.[1];
  if (billions === undefined) return FALLBACK_GB;
  if (/fp4|awq|gptq|4-?bit|int4|gpt-oss/i.test(model)) return Number(billions) * 0.57;
  return Number(billions) * (/fp8|int8|w8/i.test(model) ? 1.03 : 2.05);
}

export function shardCount(gigabytes: number): number {
  return Math.max(2, Math.ceil(gigabytes / GB_PER_SHARD));
}

/** Seconds from `vllm serve` to the first answer with everything cached: gpt-oss-20b about 60, a 235B about 400. */
export function startSeconds(gigabytes: number): number {
  return SMALLEST_SECONDS + gigabytes * SECONDS_PER_GB;
}

/** The config.json of a repository; undefined for one that nothing is known of. */
export function configOf(repository: string): string | undefined {
  const architecture = ARCHITECTURES.find(([pattern]) => pattern.test(repository))?.[1];
  if (architecture === undefined) return undefined;
  const fp8 = /fp8/i.test(repository) ? { quantization_config: { quant_method: "fp8" } } : {};
  return `${JSON.stringify({ architectures: [architecture], max_position_embeddings: 40_960, ...fp8 }, null, 2)}\n`;
}

const ARCHITECTURES = [
  [/gpt-oss/, "GptOssForCausalLM"],
  [/Qwen3-(?:30B|235B)/, "Qwen3MoeForCausalLM"],
  [/Qwen3-Next/, "Qwen3NextForCausalLM"],
  [/Qwen3/, "Qwen3ForCausalLM"],
  [/Mistral/, "Mistral3ForConditionalGeneration"],
  [/Llama/, "LlamaForCausalLM"],
  [/GLM-4/, "Glm4MoeForCausalLM"],
  [/MiniMax/, "MiniMaxM2ForCausalLM"],
] as const;
