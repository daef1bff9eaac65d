/** What the arguments of a model may not say, because the controller decides it or a field of the entry does. */
import { invalidAbsolutePath, isInside } from "../config/validate.ts";

/** vLLM option → who decides it instead. Long names first, then the short forms that vLLM has. */
const RESERVED: readonly { readonly names: readonly string[]; readonly instead: string }[] = [
  { names: ["--host"], instead: "the controller sets it" },
  { names: ["--port"], instead: "the slot sets it" },
  { names: ["--tensor-parallel-size", "-tp"], instead: "the field nodes sets it" },
  { names: ["--nnodes", "-n"], instead: "the launch script sets it" },
  { names: ["--node-rank", "-r"], instead: "the launch script sets it" },
  { names: ["--master-addr"], instead: "the launch script sets it" },
  { names: ["--master-port"], instead: "the launch script sets it" },
  { names: ["--headless"], instead: "the launch script sets it" },
  { names: ["--distributed-executor-backend"], instead: "the launch script sets it" },
  { names: ["--served-model-name"], instead: "use the fields served_name and aliases" },
  { names: ["--max-model-len"], instead: "use the field max_model_len" },
  { names: ["--gpu-memory-utilization"], instead: "use the field gpu_memory_utilization" },
];

export interface ArgumentRefusal {
  /** Position in `args`. */
  readonly index: number;
  readonly message: string;
}

/** The first argument that sets something which is not the entry's to set; null when there is none. */
export function reservedArgument(args: readonly string[]): ArgumentRefusal | null {
  for (const [index, argument] of args.entries()) {
    const option = optionOf(argument);
    const found = option && RESERVED.find(({ names }) => names.some((name) => means(option, name)));
    if (found) return { index, message: `The argument ${found.names[0]} does not belong here: ${found.instead}.` };
  }
  return null;
}

/** Every chat template that the arguments name, as `--chat-template X` or `--chat-template=X`. */
export function templatesInArguments(
  args: readonly string[],
): readonly { readonly index: number; readonly path: string }[] {
  return args.flatMap((argument, index) => {
    const option = optionOf(argument);
    if (option === null || !means(option, "--chat-template")) return [];
    const equals = argument.indexOf("=");
    return equals === -1
      ? [{ index: Math.min(index + 1, args.length - 1), path: args[index + 1] ?? "" }]
      : [{ index, path: argument.slice(equals + 1) }];
  });
}

/** Why a local model in `folder` may not use the chat template `path`; null when it may. */
export function templateRefusal(folder: string, path: string): string | null {
  const refusal = invalidAbsolutePath(path);
  if (refusal !== null) return `The chat template ${refusal}.`;
  return isInside(folder, path) ? null : "The chat template lies outside local_path.";
}

/** `--tensor_parallel_size=2` → `--tensor-parallel-size`: vLLM's parser takes underscores for hyphens. */
function optionOf(argument: string): string | null {
  if (!argument.startsWith("-") || /^-\d/.test(argument)) return null;
  const [name = ""] = argument.split("=");
  return name.replaceAll("_", "-");
}

/** Python's argparse takes any unambiguous beginning of a long option (`--max-model`), and a value glued to a short one (`-tp2`). */
function means(option: string, name: string): boolean {
  if (!name.startsWith("--"))
    return option === name || /^\d+$/.test(option.startsWith(name) ? option.slice(name.length) : "");
  return option.length > 2 && name.startsWith(option);
}
