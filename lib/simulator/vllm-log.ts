/** The start-up log of vLLM, as a script of steps (docs of the launch: the order is that of vLLM 0.11 with the V1 engine). */
import type { VllmArguments } from "./vllm-arguments.ts";

export interface StartStep {
  /** Simulated seconds before the step. */
  readonly seconds: number;
  /** Written when the step is reached; ready-made lines with prefix. */
  readonly text: string;
  /** Share of the weights in memory from here on, 0..1. */
  readonly weights?: number;
  /** The memory up to `--gpu-memory-utilization` is taken from here on. */
  readonly allMemory?: boolean;
  /** The engine is about to take memory. */
  readonly beforeMemory?: boolean;
}

export interface StartPlan {
  readonly arguments: VllmArguments;
  readonly apiPid: number;
  readonly enginePid: number;
  readonly gigabytes: number;
  readonly shards: number;
  readonly seconds: number;
  /** The first start of a model compiles; later ones load the compiled graphs. */
  readonly compiled: boolean;
  readonly kvTokens: number;
  readonly clock: () => Date;
}

const FIRST_COMPILE_SHARE = 0.4;
const CUDA_GRAPHS = 67;

/** `INFO 11-23 07:15:02 [file.py:123] text` */
export function logLine(level: "INFO" | "WARNING" | "ERROR", where: string, text: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  return `${level} ${day} ${time} [${where}] ${text}`;
}

export function apiPrefix(plan: Pick<StartPlan, "apiPid">): string {
  return `(APIServer pid=${plan.apiPid}) `;
}

export function enginePrefix(plan: Pick<StartPlan, "enginePid">): string {
  return `(EngineCore pid=${plan.enginePid}) `;
}

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

function bar(label: string, done: number, of: number, spent: number): string {
  const percent = String(Math.floor((done / of) * 100)).padStart(3);
  const left = done === 0 ? "?" : minutes((spent / done) * (of - done));
  const rate = done === 0 ? "?it/s" : `${(spent / done).toFixed(2)}s/it`;
  return `\r${label}: ${percent}% Completed | ${done}/${of} [${minutes(spent)}<${left}, ${rate}]`;
}

/** Step texts are made when read, so that their times are those of the step. */
export function* startSteps(plan: StartPlan): Generator<StartStep> {
  const { seconds: total, shards, arguments: args } = plan;
  const api = (where: string, text: string) => `${apiPrefix(plan)}${logLine("INFO", where, text, plan.clock())}\n`;
  const engine = (where: string, text: string) =>
    `${enginePrefix(plan)}${logLine("INFO", where, text, plan.clock())}\n`;
  const weightsSeconds = total * 0.55;
  const compileSeconds = total * (plan.compiled ? 0.07 : 0.07 + FIRST_COMPILE_SHARE);
  const graphSeconds = total * 0.12;

  yield { seconds: total * 0.08, text: api("api_server.py:1839", "vLLM API server version 0.11.2") };
  yield {
    seconds: total * 0.02,
    text: api("utils.py:253", `non-default args: {'model_tag': '${args.model}', 'port': ${args.port}}`),
  };
  yield {
    seconds: total * 0.05,
    text: engine("core.py:93", `Initializing a V1 LLM engine (v0.11.2) with config: model='${args.model}'`),
  };
  yield {
    seconds: total * 0.03,
    text: engine("gpu_model_runner.py:3259", `Starting to load model ${args.model}...`),
    beforeMemory: true,
  };
  const label = `${enginePrefix(plan)}Loading safetensors checkpoint shards`;
  for (let shard = 0; shard <= shards; shard += 1) {
    const end = shard === shards ? "\n" : "";
    yield {
      seconds: shard === 0 ? 0 : weightsSeconds / shards,
      text: bar(label, shard, shards, (weightsSeconds / shards) * shard) + end,
      weights: shard / shards,
    };
  }
  const gib = ((plan.gigabytes * 1e9) / 2 ** 30).toFixed(4);
  yield {
    seconds: 0,
    text: engine("default_loader.py:314", `Loading weights took ${weightsSeconds.toFixed(2)} seconds`),
  };
  yield {
    seconds: total * 0.01,
    text: engine(
      "gpu_model_runner.py:3338",
      `Model loading took ${gib} GiB memory and ${(weightsSeconds * 1.03).toFixed(6)} seconds`,
    ),
  };
  yield {
    seconds: compileSeconds * 0.3,
    text: engine("backends.py:548", `Dynamo bytecode transform time: ${(compileSeconds * 0.3).toFixed(2)} s`),
  };
  yield {
    seconds: compileSeconds * 0.7,
    text: engine("monitor.py:34", `torch.compile takes ${compileSeconds.toFixed(2)} s in total`),
  };
  yield {
    seconds: total * 0.01,
    text:
      engine("gpu_worker.py:349", `Available KV cache memory: ${(plan.kvTokens / 9000).toFixed(2)} GiB`) +
      engine("kv_cache_utils.py:1229", `GPU KV cache size: ${plan.kvTokens.toLocaleString("en-US")} tokens`),
    allMemory: true,
  };
  yield {
    seconds: total * 0.01,
    text: engine("autotuner.py:256", "[Autotuner]: Autotuning process starts ..."),
  };
  const graphs = `${enginePrefix(plan)}Capturing CUDA graphs (mixed prefill-decode, PIECEWISE)`;
  for (let part = 0; part <= 4; part += 1) {
    const done = Math.floor((CUDA_GRAPHS * part) / 4);
    const percent = String(Math.floor((done / CUDA_GRAPHS) * 100)).padStart(3);
    yield {
      seconds: part === 0 ? 0 : graphSeconds / 4,
      text: `\r${graphs}: ${percent}%|${"█".repeat(part)}| ${done}/${CUDA_GRAPHS}${part === 4 ? "\n" : ""}`,
    };
  }
  const engineSeconds = weightsSeconds + compileSeconds + graphSeconds;
  yield {
    seconds: 0,
    text: engine(
      "gpu_model_runner.py:4244",
      `Graph capturing finished in ${graphSeconds.toFixed(0)} secs, took 0.84 GiB`,
    ),
  };
  yield {
    seconds: total * 0.02,
    text: engine(
      "core.py:247",
      `init engine (profile, create kv cache, warmup model) took ${engineSeconds.toFixed(2)} seconds`,
    ),
  };
  yield {
    seconds: total * 0.02,
    text:
      api("api_server.py:1910", `Starting vLLM API server 0 on http://${args.host}:${args.port}`) +
      `${apiPrefix(plan)}INFO:     Started server process [${plan.apiPid}]\n${apiPrefix(plan)}INFO:     Waiting for application startup.\n`,
  };
}
