/** How vLLM serves each architecture: which parsers its answers need. From vLLM's own recipes. */

export interface Recipe {
  readonly args: readonly string[];
}

const tools = (parser: string, ...more: readonly string[]): Recipe => ({
  args: ["--enable-auto-tool-choice", "--tool-call-parser", parser, ...more],
});
const reasoning = (parser: string) => ["--reasoning-parser", parser] as const;

/** By the name in `architectures` of config.json. */
const RECIPES: Readonly<Record<string, Recipe>> = {
  GptOssForCausalLM: tools("openai", ...reasoning("openai_gptoss")),
  Qwen2ForCausalLM: tools("hermes"),
  Qwen3ForCausalLM: tools("hermes"),
  Qwen3MoeForCausalLM: tools("hermes"),
  Qwen3NextForCausalLM: tools("hermes"),
  Qwen2_5_VLForConditionalGeneration: tools("hermes"),
  LlamaForCausalLM: tools("llama3_json"),
  MistralForCausalLM: tools("mistral"),
  Mistral3ForConditionalGeneration: tools("mistral"),
  Glm4MoeForCausalLM: tools("glm45", ...reasoning("glm45")),
  MiniMaxM2ForCausalLM: tools("minimax_m2", ...reasoning("minimax_m2_append_think")),
  DeepseekV3ForCausalLM: tools("deepseek_v3"),
  Gemma3ForCausalLM: { args: [] },
  Gemma3ForConditionalGeneration: { args: [] },
  Phi3ForCausalLM: { args: [] },
  GraniteForCausalLM: tools("granite"),
};

export const recipeFor = (architecture: string): Recipe | null =>
  Object.hasOwn(RECIPES, architecture) ? (RECIPES[architecture] ?? null) : null;
