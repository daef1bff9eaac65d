/** The engine process (`VLLM::EngineCore`): gathers the ranks, loads, then lives until it or its parent dies. */
import { option, type ServeArguments } from "./arguments.ts";
import { readBehaviour } from "./behaviour.ts";
import { Log } from "./log.ts";
import { awaitRanks, type Ranks } from "./ranks.ts";
import { rayNodes, requestWorkers } from "./ray-wire.ts";
import { EngineExit, loadModel } from "./startup.ts";

export type EngineMessage = { readonly kind: "ready" } | { readonly kind: "exiting"; readonly code: number };

const say = (message: EngineMessage): void => {
  process.send?.(message);
};

/** Worker nodes by the two ways that exist: ranks launched on each node, or workers placed by Ray. */
async function gather(args: ServeArguments, log: Log, timeoutSeconds: number): Promise<Ranks | null> {
  const nodes = Number(option(args, "--nnodes", "1"));
  const parallel =
    Number(option(args, "--tensor-parallel-size", "1")) * Number(option(args, "--pipeline-parallel-size", "1"));
  if (nodes > 1) {
    const ranks = await awaitRanks(Number(option(args, "--master-port", "29501")), nodes - 1, timeoutSeconds);
    await ranks.joined;
    return ranks;
  }
  if (parallel <= 1) return null;
  // Without a word about the backend, vLLM takes Ray where one is running.
  const backend = option(args, "--distributed-executor-backend", "");
  const ray = backend === "ray" || (backend === "" && (await rayNodes().catch(() => null)) !== null);
  if (!ray) {
    log.error(
      "core.py:936",
      `EngineCore failed to start.\nValueError: World size (${parallel}) is larger than the number of available GPUs (1) in this node.`,
    );
    throw new EngineExit(1);
  }
  const ranks = await awaitRanks(0, parallel - 1, timeoutSeconds);
  await requestWorkers(args.model, parallel - 1, process.env.VLLM_HOST_IP ?? "127.0.0.1", ranks.port);
  await ranks.joined;
  return ranks;
}

/** Runs until death; never returns. */
export async function runEngine(args: ServeArguments): Promise<never> {
  const log = new Log("EngineCore");
  const behaviour = readBehaviour(args.model);
  // Without its parent an engine is of no use to anyone: the real one watches its parent too.
  process.on("disconnect", () => process.exit(1));
  try {
    log.info("core.py:93", `Initializing a V1 LLM engine (v0.13.0) with config: model='${args.model}'`);
    const ranks = await gather(args, log, behaviour.rankTimeoutSeconds);
    log.info(
      "parallel_state.py:1203",
      `world_size=${ranks ? 2 : 1} rank=0 local_rank=0 distributed_init_method=tcp://0.0.0.0 backend=nccl`,
    );
    const loading = loadModel(log, args.model, behaviour, Number(option(args, "--gpu-memory-utilization", "0.9")));
    const lost = ranks?.lost ?? new Promise<never>(() => {});
    const early = await Promise.race([loading.then(() => null), lost]);
    if (early === null) say({ kind: "ready" });
    if (early === null && behaviour.fail === "engine_dead")
      await Promise.race([lost, Bun.sleep(behaviour.afterSeconds * 1000)]);
    else if (early === null) await lost;
    log.error("core.py:945", `EngineCore encountered a fatal error.\nRuntimeError: ${early ?? "cancelled"}`);
    throw new EngineExit(1);
  } catch (error) {
    const code = error instanceof EngineExit ? error.exitCode : 1;
    if (!(error instanceof EngineExit)) log.error("core.py:936", `EngineCore failed to start.\n${String(error)}`);
    say({ kind: "exiting", code });
    process.exit(code);
  }
}
