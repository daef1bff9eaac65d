/** Why a launch failed, read from what it left behind. Signatures: vLLM, PyTorch, the CUDA driver, docker, the launch script. */
import type { Failure } from "./swap.ts";

export function failure(
  code: string,
  message: string,
  evidence: string | null = null,
  advice: string | null = null,
): Failure {
  return { code, message, evidence, advice };
}

/** What failed first stays the reason; what failed after it is told beside it. */
export function beside(first: Failure, second: Failure): Failure {
  const evidence = [first.evidence, second.evidence].filter((line) => line).join("; ") || null;
  return { ...first, message: `${first.message} ${second.message}`, evidence, advice: first.advice ?? second.advice };
}

interface Signature {
  readonly code: string;
  readonly sign: RegExp;
  readonly message: string;
  readonly advice: string;
}

/** Most telling first: the root cause is printed before the general "engine failed" that follows from it. */
const SIGNATURES: readonly Signature[] = [
  {
    code: "out_of_memory",
    sign: /Free memory on device .* less than desired GPU memory utilization/i,
    message: "Not enough memory was free when vLLM started.",
    advice:
      "Stop what else uses memory on the Sparks, or lower this model's share of memory (gpu_memory_utilization) in Models.",
  },
  {
    code: "out_of_memory",
    sign: /torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|NV_ERR_NO_MEMORY/,
    message: "Memory ran out while the model was loading.",
    advice:
      "Lower this model's share of memory (gpu_memory_utilization) or its longest context (max_model_len) in Models, or use a smaller quantization.",
  },
  {
    code: "out_of_memory",
    sign: /No available memory for the cache blocks|KV cache is needed, which is larger than the available KV cache memory/i,
    message: "The weights fit, but no memory was left for the context (KV cache).",
    advice:
      "Lower this model's longest context (max_model_len) in Models, or raise its share of memory (gpu_memory_utilization).",
  },
  {
    code: "arguments_refused",
    sign: /error: (?:unrecognized arguments|argument |the following arguments are required|ambiguous option)/,
    message: "vLLM does not accept the arguments of this model.",
    advice: "Correct the model's args in models-overrides.yaml; the pre-flight check shows what vLLM says.",
  },
  {
    code: "image_missing",
    sign: /Unable to find image|pull access denied|No such image|unable to copy from source|short-name .* did not resolve/i,
    message: "The container image is missing on a Spark.",
    advice: "Build or copy the image on every Spark (build-and-copy.sh of the launch script's folder).",
  },
  {
    code: "container_name_taken",
    sign: /container name .* is already in use/i,
    message: "Another container already has this name.",
    advice: "Remove that container, or choose another container name in the topology.",
  },
  {
    code: "port_taken",
    sign: /address already in use/i,
    message: "The port of the model is already in use.",
    advice: "End the program that uses the port, or choose another port in the topology.",
  },
  {
    code: "worker_refused",
    sign: /Passwordless SSH to .* failed|Permission denied \(publickey|Host key verification failed/,
    message: "The head Spark cannot log in to the worker by SSH.",
    advice: "On the head, run ssh-copy-id to the worker and connect to it once by hand.",
  },
  {
    code: "disk_full",
    sign: /No space left on device/i,
    message: "The disk of a Spark is full.",
    advice: "Delete models that are not needed any more.",
  },
  {
    code: "model_missing",
    sign: /Repository Not Found|is not a local folder and is not a valid model identifier|Can't load the configuration of|does not appear to have a file named|LocalEntryNotFoundError|No such file or directory: '?[^']*config\.json/i,
    message: "The model was not found.",
    advice: "Check the name of the repository or the folder, and that it is on every Spark.",
  },
  {
    code: "engine_failed",
    sign: /Engine core initialization failed|EngineCore failed to start|EngineDeadError/,
    message: "vLLM's engine failed while it started.",
    advice: "Read the log above this line: the root cause stands there.",
  },
];

/** The most telling signature in these lines; of one signature, its first line. Null when none is there. */
export function explainLog(lines: readonly string[]): Failure | null {
  for (const { code, sign, message, advice } of SIGNATURES) {
    const evidence = lines.find((line) => sign.test(line));
    if (evidence !== undefined) return failure(code, message, evidence.trim(), advice);
  }
  return null;
}

/** How it is known that the kernel has killed something for memory. */
export const oomKilled = (container: string, node: string): string =>
  `docker inspect ${container} on ${node} shows OOMKilled`;

/** The kernel's kill is the cause where the log tells no other one: the engine's own general line only follows from it. */
export function killedForMemory(lines: readonly string[], node: string, evidence: string): Failure {
  const known = explainLog(lines);
  if (known !== null && known.code !== "engine_failed") return known;
  return failure(
    "out_of_memory",
    `Memory ran out on ${node}, and its kernel killed vLLM.`,
    evidence,
    "Lower this model's share of memory (gpu_memory_utilization) in Models, or stop what else uses memory there.",
  );
}

/** What an exception says may hold anything, and is for the log: here it is told which it was and where. */
export function ownMistake(error: unknown, step: string): Failure {
  const name = error instanceof Error ? error.name : typeof error;
  const place = error instanceof Error ? /\b(?:lib|tests)\/[\w./-]+:\d+/.exec(error.stack ?? "")?.[0] : undefined;
  return failure(
    "internal",
    "Spark Control made a mistake. Its log says more.",
    `${name} in ${step}${place === undefined ? "" : `, at ${place}`}`,
    "Swap again. If it happens again, report it with the log of Spark Control.",
  );
}

/** 128 + 9, as a shell and docker tell it. */
export const SIGKILLED = 137;

/** A launcher that ended without a model that answers. */
export function explainEnd(exitCode: number | null, lines: readonly string[]): Failure {
  const known = explainLog(lines);
  if (known) return known;
  const last = lastTelling(lines);
  if (exitCode === 0)
    return failure(
      "nothing_running",
      "The launch ended without an error, but no model is running.",
      last === null
        ? "exit code 0, and docker top shows no vLLM"
        : `exit code 0, and docker top shows no vLLM; last line: ${last}`,
      "Read the log; start the launch script by hand on the head Spark to see what it does.",
    );
  if (exitCode === SIGKILLED)
    return failure(
      "launch_failed",
      "vLLM was killed while it was loading.",
      `exit code ${SIGKILLED} (SIGKILL), and no word about it${last === null ? "" : `; last line: ${last}`}`,
      "Look at the kernel's log on the Spark (dmesg): it kills what takes the last memory. Lower gpu_memory_utilization of this model.",
    );
  const code = exitCode === null ? "without an exit code" : `with exit code ${exitCode}`;
  return failure(
    exitCode === 127 ? "launch_script_missing" : "launch_failed",
    exitCode === 127 ? "The launch script or a program that it needs is missing." : `The launch ended ${code}.`,
    last ?? `the launcher ended ${code} and wrote nothing`,
    "Read the log; start the launch script by hand on the head Spark to see what it does.",
  );
}

const ERROR = /error|exception|failed|fatal|not found/i;

/** What the launch script says while it tidies up tells nothing about the cause. */
const TIDYING = /^(?:Stopping (?:cluster|head|worker)|Cluster stopped)/;

/** What vLLM's server says of one request ("404 Not Found" for a model without a chat) tells of its client, not of its own end. */
const REQUEST = /"[A-Z]+ \S+ HTTP\/[\d.]+" \d{3}\b|\[serving\w*\.py:\d+\]/;

const mayTell = (line: string): boolean => !TIDYING.test(line.trim()) && !REQUEST.test(line);

/** Whether one of these lines tells of an error, beyond what the launch script says while it tidies up. */
export function tellsOfError(lines: readonly string[]): boolean {
  return lines.some((line) => mayTell(line) && ERROR.test(line));
}

/** The last line that may tell a cause; null: there is none. */
export function lastTelling(lines: readonly string[]): string | null {
  const telling = lines.filter(mayTell);
  const errors = telling.filter((line) => ERROR.test(line));
  return (errors.at(-1) ?? telling.findLast((line) => line.trim() !== ""))?.trim() ?? null;
}
