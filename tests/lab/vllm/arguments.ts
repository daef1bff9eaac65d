/**
 * The command line of `vllm serve`, checked the way Python's argparse checks it: the words and exit code 2 are what a
 * pre-flight has to recognise. Only the options that serve a purpose in tests are known; the names are vLLM's own.
 */

type Kind = "flag" | "text" | "int" | "float" | "json" | "list";

const OPTIONS: Readonly<Record<string, Kind>> = {
  "--host": "text",
  "--port": "int",
  "--served-model-name": "list",
  "--api-key": "text",
  "--dtype": "text",
  "--seed": "int",
  "--revision": "text",
  "--tokenizer": "text",
  "--load-format": "text",
  "--quantization": "text",
  "--max-model-len": "text",
  "--max-num-seqs": "int",
  "--max-num-batched-tokens": "int",
  "--gpu-memory-utilization": "float",
  "--kv-cache-dtype": "text",
  "--kv-cache-memory-bytes": "text",
  "--block-size": "int",
  "--swap-space": "float",
  "--attention-backend": "text",
  "--tensor-parallel-size": "int",
  "--pipeline-parallel-size": "int",
  "--data-parallel-size": "int",
  "--distributed-executor-backend": "text",
  "--nnodes": "int",
  "--node-rank": "int",
  "--master-addr": "text",
  "--master-port": "int",
  "--headless": "flag",
  "--trust-remote-code": "flag",
  "--enforce-eager": "flag",
  "--enable-prefix-caching": "flag",
  "--no-enable-prefix-caching": "flag",
  "--enable-chunked-prefill": "flag",
  "--enable-expert-parallel": "flag",
  "--enable-auto-tool-choice": "flag",
  "--tool-call-parser": "text",
  "--reasoning-parser": "text",
  "--enable-lora": "flag",
  "--lora-modules": "list",
  "--max-loras": "int",
  "--max-lora-rank": "int",
  "--chat-template": "text",
  "--chat-template-content-format": "text",
  "--default-chat-template-kwargs": "json",
  "--generation-config": "text",
  "--override-generation-config": "json",
  "--limit-mm-per-prompt": "json",
  "--mm-processor-kwargs": "json",
  "--hf-overrides": "json",
  "--speculative-config": "json",
  "--compilation-config": "json",
  "--additional-config": "json",
  "--model-loader-extra-config": "json",
  "--download-dir": "text",
  "--disable-log-stats": "flag",
  "--disable-log-requests": "flag",
  "--enable-log-requests": "flag",
  "--uvicorn-log-level": "text",
  "--root-path": "text",
};

const SHORT: Readonly<Record<string, string>> = {
  "-tp": "--tensor-parallel-size",
  "-pp": "--pipeline-parallel-size",
  "-dp": "--data-parallel-size",
  "-q": "--quantization",
  "-r": "--node-rank",
  "-n": "--nnodes",
};

export interface ServeArguments {
  readonly model: string;
  readonly options: ReadonlyMap<string, readonly string[]>;
}

export type Checked =
  | { readonly ok: true; readonly value: ServeArguments }
  | { readonly ok: false; readonly error: string };

const USAGE = "usage: vllm serve [model_tag] [options]";

/** What argparse prints on stderr before it exits with 2. */
export function usageError(error: string): string {
  return `${USAGE}\nvllm serve: error: ${error}\n`;
}

function fault(name: string, kind: Kind, value: string): string | undefined {
  if (kind === "int" && !/^[+-]?\d+$/.test(value.trim())) return `argument ${name}: invalid int value: '${value}'`;
  if (kind === "float" && (value.trim() === "" || Number.isNaN(Number(value))))
    return `argument ${name}: invalid float value: '${value}'`;
  if (kind === "json") {
    try {
      JSON.parse(value);
    } catch {
      return `argument ${name}: Value ${value} cannot be converted to <function loads>.`;
    }
  }
  return undefined;
}

/** Looks like an option and not like a negative number. */
const isOption = (word: string): boolean => /^-[^\d\s]/.test(word) && !word.includes(" ");

/** @param argv what follows `vllm serve` */
export function checkArguments(argv: readonly string[]): Checked {
  const options = new Map<string, readonly string[]>();
  const unrecognized: string[] = [];
  let model: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (!isOption(word)) {
      if (model === undefined) model = word;
      else unrecognized.push(word);
      continue;
    }
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const written = equals < 0 ? word : word.slice(0, equals);
    const name = SHORT[written] ?? written.replaceAll("_", "-");
    const kind = OPTIONS[name];
    if (kind === undefined) {
      unrecognized.push(word);
      continue;
    }
    if (kind === "flag") {
      options.set(name, []);
      continue;
    }
    const values: string[] = equals < 0 ? [] : [word.slice(equals + 1)];
    while (
      equals < 0 &&
      i + 1 < argv.length &&
      !isOption(argv[i + 1] ?? "") &&
      (kind === "list" || values.length === 0)
    )
      values.push(argv[++i] ?? "");
    if (values.length === 0)
      return {
        ok: false,
        error: `argument ${name}: expected ${kind === "list" ? "at least one argument" : "one argument"}`,
      };
    for (const value of values) {
      const wrong = fault(name, kind, value);
      if (wrong) return { ok: false, error: wrong };
    }
    options.set(name, values);
  }
  if (unrecognized.length > 0) return { ok: false, error: `unrecognized arguments: ${unrecognized.join(" ")}` };
  return { ok: true, value: { model: model ?? "Qwen/Qwen3-0.6B", options } };
}

/** The last value of an option, or the default. */
export function option(args: ServeArguments, name: string, otherwise: string): string {
  return args.options.get(name)?.at(-1) ?? otherwise;
}
