/** The shape of the shipped models.yaml and of models-overrides.yaml. */
import { Type } from "@sinclair/typebox";
import { Amount, EnvironmentMap, Text, TextList, Whole, YesNo } from "./field-types.ts";
import {
  invalidAbsolutePath,
  invalidArgument,
  invalidDockerEnvValue,
  invalidImage,
  invalidOperand,
  invalidRelativePath,
  invalidRepoId,
} from "./validate.ts";
import { invalidLine, invalidModelName } from "./values.ts";

export const ModelFields = Type.Partial(
  Type.Object({
    name: Text(invalidLine, "Name for people."),
    repo: Text(invalidRepoId, "Hugging Face repository. Exactly one of repo and local_path.", {
      examples: ["openai/gpt-oss-120b"],
    }),
    local_path: Text(
      invalidAbsolutePath,
      "Folder on the Sparks, the same path on each. Exactly one of repo and local_path.",
    ),
    nodes: Whole(1, 8, "Sparks it needs.", { default: 1 }),
    quantization: Text(invalidLine, "Quantization, in words."),
    size_gb: Amount(0, 10_000, "Size of the weights in GB (10^9 bytes), over all nodes together."),
    gpu_memory_utilization: Amount(0, 0.98, "Share of each Spark's memory that vLLM takes.", { default: 0.8 }),
    max_model_len: Whole(1, 100_000_000, "Longest context in tokens."),
    served_name: Text(invalidModelName, "Name in /v1/models. Left out: the repository or folder."),
    aliases: TextList(invalidModelName, "Further names that clients may ask for."),
    args: TextList(invalidArgument, "Further arguments of `vllm serve`, one item an argument."),
    chat_template: Text(invalidOperand, "Chat template; inside local_path for a local model."),
    env: EnvironmentMap(invalidDockerEnvValue, "Environment variables of the container."),
    mods: TextList(invalidRelativePath, "Mods of the launch script, such as mods/fix-qwen."),
    image: Text(invalidImage, "Docker image instead of the slot's."),
    note: Text(invalidLine, "A remark for people."),
    hidden: YesNo("Removes the model from the menu."),
  }),
  { additionalProperties: false },
);

export const CatalogFile = Type.Partial(
  Type.Object({
    models: Type.Record(Type.String(), Type.Union([ModelFields, Type.Null()]), {
      description:
        "Models by key. In an overrides file, the fields given replace those of the shipped model; null removes it.",
    }),
  }),
  { additionalProperties: false, title: "Spark Control: model catalog" },
);
