/**
 * The command that launches a model: `launch-cluster.sh … exec vllm serve …`, and the pre-flight of its arguments.
 * Pure. Facts about the script: docs/ARCHITECTURE.md and the script's own text.
 */
import { type Model, servedSource } from "../catalog/catalog.ts";
import type { Slot } from "../topology/topology.ts";

/** What the text of the installed launch script tells about its way of working. */
export interface Dialect {
  /** Arguments of `exec` are joined with spaces and parsed by a shell again: each must be quoted once more. */
  readonly joinsArguments: boolean;
  readonly knowsSolo: boolean;
}

export function readDialect(script: string): Dialect {
  return {
    joinsArguments: /^\s*COMMAND_TO_RUN="\$[@*]"/m.test(script),
    knowsSolo: /(^|[\s|(])--solo\b/m.test(script),
  };
}

export interface LaunchPlace {
  readonly slot: Pick<Slot, "port" | "container" | "image">;
  /** IPv4 addresses, head first. */
  readonly addresses: readonly string[];
  readonly ethIf: string | null;
  readonly ibIf: string | null;
}

export interface LaunchCommand {
  readonly argv: readonly [string, ...string[]];
  /** Environment of the script itself. */
  readonly env: Readonly<Record<string, string>>;
}

/** Arguments of `vllm serve`, without the two words themselves. */
export function serveArguments(model: Model, place: Pick<LaunchPlace, "slot">): string[] {
  return [
    servedSource(model),
    ...["--host", "0.0.0.0"],
    ...["--port", String(place.slot.port)],
    ...["--gpu-memory-utilization", String(model.gpu_memory_utilization)],
    ...(model.max_model_len === null ? [] : ["--max-model-len", String(model.max_model_len)]),
    ...(model.served_name === null ? [] : ["--served-model-name", model.served_name]),
    ...(model.chat_template === null ? [] : ["--chat-template", model.chat_template]),
    ...(model.nodes > 1 ? ["--tensor-parallel-size", String(model.nodes)] : []),
    ...model.args,
  ];
}

/** @param quote the one quoting function; used when the script parses its arguments a second time */
export function launchCommand(
  model: Model,
  place: LaunchPlace,
  dialect: Dialect,
  quote: (text: string) => string,
): LaunchCommand {
  const serve = ["vllm", "serve", ...serveArguments(model, place)];
  const docker = dockerArguments(model);
  return {
    argv: [
      "./launch-cluster.sh",
      ...["-n", place.addresses.join(",")],
      ...(place.addresses.length === 1 && dialect.knowsSolo ? ["--solo"] : []),
      ...["-t", imageOf(model, place.slot)],
      ...["--name", place.slot.container],
      ...(place.ethIf === null ? [] : ["--eth-if", place.ethIf]),
      ...(place.ibIf === null ? [] : ["--ib-if", place.ibIf]),
      ...model.mods.flatMap((mod) => ["--apply-mod", mod]),
      "exec",
      ...(dialect.joinsArguments ? serve.map(quote) : serve),
    ],
    env: docker === "" ? {} : { VLLM_SPARK_EXTRA_DOCKER_ARGS: docker },
  };
}

export function imageOf(model: Model, slot: Pick<Slot, "image">): string {
  return model.image ?? slot.image;
}

/**
 * For `VLLM_SPARK_EXTRA_DOCKER_ARGS`, which the script appends unquoted and a worker's shell parses again. The catalog
 * admits only values without spaces and metacharacters; joining them is safe because of that.
 */
function dockerArguments(model: Model): string {
  const bind = model.source.kind === "local" ? [`-v ${model.source.path}:${model.source.path}:ro`] : [];
  const env = Object.entries(model.env).map(([name, value]) => `-e ${name}=${value}`);
  return [...bind, ...env].join(" ");
}
