/** Last words of a vLLM that dies, one text per way. */
import { apiPrefix, enginePrefix, logLine, type StartPlan } from "./vllm-log.ts";

type Who = Pick<StartPlan, "apiPid" | "enginePid" | "clock">;

function engineError(plan: Who, ...lines: string[]): string {
  const prefix = enginePrefix(plan);
  return lines.map((line) => `${prefix}${logLine("ERROR", "core.py:845", line, plan.clock())}\n`).join("");
}

/** What the API server adds when its engine did not come up. */
function noEngine(plan: Who): string {
  const prefix = apiPrefix(plan);
  return `${prefix}Traceback (most recent call last):
${prefix}  File "/usr/local/bin/vllm", line 10, in <module>
${prefix}    sys.exit(main())
${prefix}RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': 1}\n`;
}

export function outOfMemory(plan: Who): string {
  return (
    engineError(
      plan,
      "EngineCore failed to start.",
      "Traceback (most recent call last):",
      "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total capacity of 119.70 GiB of which 1.07 GiB is free.",
    ) + noEngine(plan)
  );
}

export function notEnoughFree(plan: Who, freeGib: number, totalGib: number, utilization: number): string {
  const desired = (totalGib * utilization).toFixed(2);
  return (
    engineError(
      plan,
      "EngineCore failed to start.",
      "Traceback (most recent call last):",
      `ValueError: Free memory on device cuda:0 (${freeGib.toFixed(2)}/${totalGib.toFixed(2)} GiB) on startup is less than desired GPU memory utilization (${utilization}, ${desired} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`,
    ) + noEngine(plan)
  );
}

export function noCacheBlocks(plan: Who): string {
  return (
    engineError(
      plan,
      "EngineCore failed to start.",
      "Traceback (most recent call last):",
      "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.",
    ) + noEngine(plan)
  );
}

export function engineCoreFailed(plan: Who): string {
  return (
    engineError(
      plan,
      "EngineCore failed to start.",
      "Traceback (most recent call last):",
      "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
    ) + noEngine(plan)
  );
}

export function workerLost(plan: Who): string {
  return engineError(plan, "Worker proc VllmWorker-1 died unexpectedly, shutting down executor.") + noEngine(plan);
}

export function engineDied(plan: Who): string {
  return (
    engineError(plan, "EngineCore encountered a fatal error.", "Traceback (most recent call last):") +
    `${apiPrefix(plan)}vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.\n`
  );
}

export function addressInUse(plan: Who): string {
  const prefix = apiPrefix(plan);
  return `${prefix}Traceback (most recent call last):
${prefix}  File "/usr/local/bin/vllm", line 10, in <module>
${prefix}    sys.exit(main())
${prefix}  File "/usr/local/lib/python3.12/dist-packages/vllm/entrypoints/openai/api_server.py", line 1780, in create_server_socket
${prefix}    sock.bind(addr)
${prefix}OSError: [Errno 98] Address already in use\n`;
}

export function noSuchModel(plan: Who, model: string): string {
  const prefix = apiPrefix(plan);
  return `${prefix}Traceback (most recent call last):
${prefix}OSError: Can't load the configuration of '${model}'. If you were trying to load it from 'https://huggingface.co/models', make sure you don't have a local directory with the same name.\n`;
}
