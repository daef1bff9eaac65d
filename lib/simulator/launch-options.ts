/** Command line of launch-cluster.sh, in both dialects. */
import { parseShellLine, ShellSyntaxError } from "./shell-words.ts";

export type Dialect = "old" | "new";

export interface LaunchOptions {
  readonly nodes: readonly string[];
  readonly image: string;
  readonly container: string;
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly string[];
  readonly mods: readonly string[];
  readonly solo: boolean;
  readonly action: "start" | "stop" | "status" | "exec";
  /** What `exec` runs, as the container gets it. */
  readonly command: readonly string[];
  /** What the script prints of the command. */
  readonly commandText: string;
}

export type ParsedLaunch =
  | { readonly ok: true; readonly options: LaunchOptions }
  | { readonly ok: false; readonly message: string; readonly exitCode: number };

const IGNORED_VALUED = new Set(["--eth-if", "--ib-if", "--nccl-debug", "--master-port"]);
const NEW_ONLY_VALUED = new Set(["-v", "--volume", "--launch-script", "-e", "--env"]);
const NEW_ONLY_FLAGS = new Set(["--solo", "--ray", "--no-ray"]);
const ACTIONS = new Set(["start", "stop", "status", "exec"]);

function failed(message: string, exitCode = 1): ParsedLaunch {
  return { ok: false, message, exitCode };
}

/** The old script joins the arguments and lets `bash -c` take them apart again. */
function rejoined(words: readonly string[]): readonly string[] | undefined {
  try {
    const { nonce, commands } = parseShellLine(words.join(" "));
    const only = commands[0];
    if (nonce !== null || !only) return undefined;
    return only.map((word) => (typeof word === "string" ? word : `/root/${word.home}`));
  } catch (error) {
    if (error instanceof ShellSyntaxError) return undefined;
    throw error;
  }
}

/** @param argv after the script's name */
export function parseLaunch(argv: readonly string[], dialect: Dialect): ParsedLaunch {
  let nodes: readonly string[] = [];
  let image = "vllm-node";
  let container = "vllm_node";
  let solo = false;
  const env: Record<string, string> = {};
  const mods: string[] = [];
  const binds: string[] = [];
  let at = 0;
  for (; at < argv.length; at += 1) {
    const word = argv[at]!;
    const value = argv[at + 1] ?? "";
    if (word === "-n" || word === "--nodes") nodes = value.split(",").filter(Boolean);
    else if (word === "-t") image = value;
    else if (word === "--name") container = value;
    else if (word === "--apply-mod") mods.push(value);
    else if (dialect === "new" && NEW_ONLY_FLAGS.has(word)) {
      solo ||= word === "--solo";
      continue;
    } else if (dialect === "new" && NEW_ONLY_VALUED.has(word)) {
      const equals = value.indexOf("=");
      if (word === "-e" || word === "--env") env[value.slice(0, equals)] = value.slice(equals + 1);
      if (word === "-v" || word === "--volume") binds.push(value);
    } else if (word === "-d") return failed("launch-cluster.sh: -d is not simulated");
    else if (!IGNORED_VALUED.has(word)) break;
    at += 1;
  }
  const first = argv[at];
  if (first === undefined && dialect === "new") return failed("Error: an action is required (start|stop|status|exec).");
  if (first !== undefined && !ACTIONS.has(first) && dialect === "new")
    return failed(`Error: Unknown argument: ${first}`);
  const isAction = first === undefined || ACTIONS.has(first);
  const action = isAction ? ((first ?? "start") as LaunchOptions["action"]) : "exec";
  const words = argv.slice(isAction ? at + 1 : at);
  const command = dialect === "old" && action === "exec" ? rejoined(words) : words;
  if (!command) return failed("bash: -c: line 1: syntax error near unexpected token", 2);
  const commandText = words.join(" ");
  return { ok: true, options: { nodes, image, container, env, binds, mods, solo, action, command, commandText } };
}
