/** Arguments of `vllm serve`, refused the way argparse refuses them. */
import {
  FLAG_OPTIONS,
  INTEGER_OPTIONS,
  JSON_OPTIONS,
  LIST_OPTIONS,
  SHORT_OPTIONS,
  VALUE_OPTIONS,
} from "./vllm-options.ts";

export interface VllmArguments {
  /** Repository or directory. */
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly servedNames: readonly string[];
  /** 0 < x ≤ 1. */
  readonly memoryUtilization: number;
  readonly maxModelLen: number;
  readonly tensorParallel: number;
}

export type ParsedArguments =
  | { readonly ok: true; readonly arguments: VllmArguments }
  /** What argparse writes after `vllm serve: error: `. */
  | { readonly ok: false; readonly message: string };

const DEFAULT_MODEL = "Qwen/Qwen3-0.6B";
const DEFAULT_MAX_MODEL_LEN = 131_072;
const HUMAN_INTEGER = /^(\d+(?:\.\d+)?)([kKmMgGtT]?)$/;
const DECIMAL: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const BINARY: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

class ArgumentError extends Error {}

function humanInteger(text: string): number {
  const match = HUMAN_INTEGER.exec(text);
  if (!match) throw new ArgumentError(`argument --max-model-len: invalid human_readable_int_or_auto value: '${text}'`);
  const unit = match[2] ?? "";
  return Math.round(Number(match[1]) * (DECIMAL[unit] ?? BINARY[unit] ?? 1));
}

function checkValue(option: string, value: string): void {
  if (INTEGER_OPTIONS.has(option) && !/^-?\d+$/.test(value)) {
    throw new ArgumentError(`argument ${option}: invalid int value: '${value}'`);
  }
  if (option === "--gpu-memory-utilization" && !(value.trim() !== "" && Number.isFinite(Number(value)))) {
    throw new ArgumentError(`argument ${option}: invalid float value: '${value}'`);
  }
  if (JSON_OPTIONS.has(option)) {
    try {
      JSON.parse(value);
    } catch {
      throw new ArgumentError(`argument ${option}: Value ${value} cannot be converted to <function loads>.`);
    }
  }
}

/** `--a_b` → `--a-b`, `-tp` → `--tensor-parallel-size`; undefined when vLLM has no such option. */
function optionName(text: string): { name: string; flag: boolean } | undefined {
  const spelled = SHORT_OPTIONS[text] ?? text.replaceAll("_", "-");
  if (VALUE_OPTIONS.has(spelled)) return { name: spelled, flag: false };
  if (FLAG_OPTIONS.has(spelled) || FLAG_OPTIONS.has(spelled.replace(/^--no-/, "--")))
    return { name: spelled, flag: true };
  // Dotted JSON, such as --compilation-config.mode 3
  const dotted = spelled.split(".")[0]!;
  return dotted !== spelled && JSON_OPTIONS.has(dotted) ? { name: spelled, flag: false } : undefined;
}

function collect(argv: readonly string[]): { values: Map<string, string[]>; positional: string[] } {
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  const unknown: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at]!;
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const spelled = equals > 0 ? word.slice(0, equals) : word;
    const option = optionName(spelled);
    if (!option) {
      unknown.push(word);
      if (equals < 0 && argv[at + 1] !== undefined && !argv[at + 1]!.startsWith("-")) unknown.push(argv[++at]!);
      continue;
    }
    if (option.flag) {
      if (equals > 0)
        throw new ArgumentError(`argument ${option.name}: ignored explicit argument '${word.slice(equals + 1)}'`);
      values.set(option.name, []);
      continue;
    }
    const given = equals > 0 ? [word.slice(equals + 1)] : [];
    const isValue = (text: string | undefined) => text !== undefined && !/^--?[A-Za-z]/.test(text);
    while (isValue(argv[at + 1]) && (given.length === 0 || (LIST_OPTIONS.has(option.name) && equals < 0))) {
      given.push(argv[++at]!);
    }
    if (given.length === 0) throw new ArgumentError(`argument ${option.name}: expected one argument`);
    for (const value of given) checkValue(option.name, value);
    values.set(option.name, given);
  }
  if (positional.length > 1) unknown.unshift(...positional.slice(1));
  if (unknown.length > 0) throw new ArgumentError(`unrecognized arguments: ${unknown.join(" ")}`);
  return { values, positional };
}

/** @param argv what follows `vllm serve` */
export function parseVllmArguments(argv: readonly string[]): ParsedArguments {
  try {
    const { values, positional } = collect(argv);
    const one = (name: string) => values.get(name)?.[0];
    const model = positional[0] ?? one("--model") ?? DEFAULT_MODEL;
    const length = one("--max-model-len");
    return {
      ok: true,
      arguments: {
        model,
        host: one("--host") ?? "0.0.0.0",
        port: Number(one("--port") ?? 8000),
        servedNames: values.get("--served-model-name") ?? [model],
        memoryUtilization: Number(one("--gpu-memory-utilization") ?? 0.9),
        maxModelLen:
          length === undefined || length === "auto" || length === "-1" ? DEFAULT_MAX_MODEL_LEN : humanInteger(length),
        tensorParallel: Number(one("--tensor-parallel-size") ?? 1),
      },
    };
  } catch (error) {
    if (error instanceof ArgumentError) return { ok: false, message: error.message };
    throw error;
  }
}

/** What `vllm serve` writes to stderr before it exits with 2. */
export function argumentError(message: string): string {
  return `usage: vllm serve [model_tag] [options]\nvllm serve: error: ${message}\n`;
}
