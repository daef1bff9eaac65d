/** The phases of an engine's start, in vLLM's order and words, spread over the time that the behaviour asks for. */
import type { Behaviour } from "./behaviour.ts";
import { type Log, writeNumbers } from "./log.ts";

const SHARDS = 4;
const GRAPHS = 5;

/** Ends the engine with a code, after its log lines. */
export class EngineExit extends Error {
  constructor(readonly exitCode: number) {
    super(`engine exits with ${exitCode}`);
  }
}

function coreFailed(log: Log, cause: string): never {
  log.error(
    "core.py:936",
    `EngineCore failed to start.\nTraceback (most recent call last):\n  File "core.py", line 927, in run_engine_core\n${cause}`,
  );
  throw new EngineExit(1);
}

async function weights(log: Log, behaviour: Behaviour, share: (fraction: number) => Promise<void>): Promise<void> {
  log.bar("Loading safetensors checkpoint shards", 0, SHARDS, 0);
  if (behaviour.fail === "stuck") await new Promise<never>(() => {});
  for (let shard = 1; shard <= SHARDS; shard++) {
    await share(0.5 / SHARDS);
    if (shard === 2 && behaviour.fail === "killed") process.kill(process.ppid, "SIGKILL");
    if (shard === 2 && behaviour.fail === "exit0") throw new EngineExit(0);
    if (shard === 3 && behaviour.fail === "oom")
      coreFailed(
        log,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 12.50 GiB. GPU 0 has a total capacity of 119.70 GiB of which 3.21 GiB is free.",
      );
    log.bar("Loading safetensors checkpoint shards", shard, SHARDS, (behaviour.loadSeconds / 2) * (shard / SHARDS));
  }
}

/**
 * Loads a model that is not there: logs and waits.
 * @param utilization as given by `--gpu-memory-utilization`
 * @throws EngineExit where the behaviour asks for a failure
 */
export async function loadModel(log: Log, model: string, behaviour: Behaviour, utilization: number): Promise<void> {
  const share = (fraction: number) => Bun.sleep(behaviour.loadSeconds * 1000 * fraction);
  const seconds = behaviour.loadSeconds;
  if (behaviour.fail === "memory")
    coreFailed(
      log,
      `ValueError: Free memory on device cuda:0 (40.12/119.7 GiB) on startup is less than desired GPU memory utilization (${utilization}, ${(119.7 * utilization).toFixed(2)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`,
    );
  log.info("gpu_model_runner.py:3562", `Starting to load model ${model}...`);
  const numbers = writeNumbers(log, behaviour.numberedLines, seconds * 0.8);
  await share(0.1);
  await weights(log, behaviour, share);
  log.info("default_loader.py:308", `Loading weights took ${(seconds / 2).toFixed(2)} seconds`);
  log.info(
    "gpu_model_runner.py:3659",
    `Model loading took 29.4114 GiB memory and ${(seconds * 0.6).toFixed(6)} seconds`,
  );
  if (behaviour.fail === "engine")
    coreFailed(log, "RuntimeError: CUDA error: an illegal memory access was encountered");
  await share(0.1);
  log.info("backends.py:643", `Using cache directory: /root/.cache/vllm/torch_compile_cache for vLLM's torch.compile`);
  log.info("backends.py:703", `Dynamo bytecode transform time: ${(seconds / 10).toFixed(2)} s`);
  await share(0.1);
  log.info("monitor.py:34", `torch.compile takes ${(seconds / 5).toFixed(2)} s in total`);
  log.info("gpu_worker.py:375", "Available KV cache memory: 68.02 GiB");
  log.info("kv_cache_utils.py:1291", "GPU KV cache size: 371,456 tokens");
  log.info("kv_cache_utils.py:1296", "Maximum concurrency for 32,768 tokens per request: 11.34x");
  await numbers;
  for (let graph = 1; graph <= GRAPHS; graph++) {
    await share(0.2 / GRAPHS);
    log.bar("Capturing CUDA graphs (mixed prefill-decode, PIECEWISE)", graph, GRAPHS, (seconds / 5) * (graph / GRAPHS));
  }
  log.info(
    "gpu_model_runner.py:4587",
    `Graph capturing finished in ${Math.max(1, Math.round(seconds / 5))} secs, took 0.61 GiB`,
  );
  log.info(
    "core.py:259",
    `init engine (profile, create kv cache, warmup model) took ${(seconds * 0.4).toFixed(2)} seconds`,
  );
}
