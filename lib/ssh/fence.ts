/** What a node remembers about its controllers: the fence in front of every start of a job (docs/ARCHITECTURE.md). */
import { FencedError } from "./errors.ts";
import { execOk, exitCodeError } from "./exec-ok.ts";
import { script } from "./quote.ts";
import {
  EXIT_FENCED,
  EXIT_LOCK,
  EXIT_NOT_WRITABLE,
  FENCE_READ,
  FENCE_TAKE_OVER,
  FENCED_STOP,
} from "./remote-scripts.ts";
import type { ExecResult, Ssh, SshTarget } from "./ssh.ts";

export interface NodeFence {
  /** Instance id of the controller that the node belongs to; null when no job has ever been started there. */
  readonly instance: string | null;
  /** Highest generation that the node has seen; 0 when none. */
  readonly generation: number;
}

interface Call {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** Reads the fence of a node. A controller goes on at the highest of its own and its nodes' generations, plus one. */
export async function readFence(ssh: Pick<Ssh, "exec">, target: SshTarget, call: Call): Promise<NodeFence> {
  const what = "Reading what the Spark remembers";
  const { stdout } = await execOk(ssh, target, script("spark-fence-read", FENCE_READ, []), { ...call, what });
  const [instance = "", generation = ""] = stdout.split("\n");
  return { instance: instance === "" ? null : instance, generation: Number(generation) || 0 };
}

/**
 * Makes the node belong to another controller, once a person has confirmed it. The generation stays.
 * @param change.from the instance that was shown to that person; another one by now is refused
 * @throws FencedError, SshError
 */
export async function takeOver(
  ssh: Pick<Ssh, "exec">,
  target: SshTarget,
  change: { readonly from: string; readonly to: string },
  call: Call,
): Promise<void> {
  const command = script("spark-fence-take-over", FENCE_TAKE_OVER, [change.from, change.to]);
  const result = await ssh.exec(target, command, call);
  if (result.exitCode === EXIT_FENCED) throw fenced(target, result.stdout);
  if (result.exitCode !== 0) throw exitCodeError(target, "Taking over", result);
}

/** What a script said on its way out with EXIT_FENCED. */
export function fenced(target: SshTarget, answer: string): FencedError {
  const [, by, value = ""] = answer.trim().split(" ");
  return new FencedError(
    target,
    by === "generation" ? { by, highest: Number(value) } : { by: "instance", instance: value },
  );
}

export interface FencedStop {
  readonly generation: number;
  readonly instance: string;
  readonly container: string;
  /** Seconds before `docker stop` kills. */
  readonly graceSeconds: number;
}

/**
 * `docker stop`, under the node's lock and only for the newest generation: one that was overtaken while it slept stops nothing.
 * @returns what docker said, with its exit code
 * @throws FencedError, SshError
 */
export async function fencedStop(
  ssh: Pick<Ssh, "exec">,
  target: SshTarget,
  { generation, instance, container, graceSeconds }: FencedStop,
  call: Call,
): Promise<ExecResult> {
  const args = [String(generation), instance, String(graceSeconds), container];
  const result = await ssh.exec(target, script("spark-fenced-stop", FENCED_STOP, args), call);
  if (result.exitCode === EXIT_FENCED) throw fenced(target, result.stdout);
  // The fence could not be passed, for a full disk perhaps: docker was not asked.
  if (result.exitCode === EXIT_NOT_WRITABLE || result.exitCode === EXIT_LOCK)
    throw exitCodeError(target, "Stopping the container", result);
  return result;
}
