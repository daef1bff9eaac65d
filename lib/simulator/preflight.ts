/** `python3 -c TEXT ARG…` in a container of the vLLM image: the check of arguments before a launch. */
import { type Invocation, type Program, sh } from "./invocation.ts";
import { argumentError, parseVllmArguments } from "./vllm-arguments.ts";

const PARSE_SECONDS = 4;

/** Arguments as after `vllm serve`, with or without the words `vllm serve` themselves. */
export const preflight: Program = async (call: Invocation) => {
  const [flag, text, ...given] = call.argv.slice(1);
  if (flag !== "-c" || text === undefined) return sh(call, "python3: only -c is simulated", 2);
  await call.spark.scheduler.sleep(PARSE_SECONDS, call.signal);
  const serve = given[0] === "vllm" ? given.slice(1) : given;
  const parsed = parseVllmArguments(serve[0] === "serve" ? serve.slice(1) : serve);
  if (parsed.ok) return 0;
  call.stdio.err(argumentError(parsed.message));
  return 2;
};
