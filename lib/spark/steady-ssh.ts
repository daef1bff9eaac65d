/** SSH for commands that may be repeated: one that was cut off is asked again over a new connection. */
import { SshError } from "../ssh/errors.ts";
import type { ExecOptions, ExecResult, Ssh } from "../ssh/ssh.ts";

/** From the first cut on. Longer outages are for the caller to judge: a load waits for minutes, a look gives up. */
const PATIENCE_MS = 5_000;
const BETWEEN_TRIES_MS = 100;

/**
 * A cut in the middle of a command leaves open whether it had its effect. Everything that lib/spark asks of a Spark is
 * idempotent, so the question is settled by asking again, for 5 s and never beyond the command's own deadline. A Spark
 * that cannot be reached in the first place fails at once: only a command that had begun is taken up again.
 */
export function steadySsh(ssh: Ssh): Ssh {
  return {
    exec: (target, command, call) => steadily(call, (rest) => ssh.exec(target, command, rest)),
    peerAddress: (target, call) => ssh.peerAddress(target, call),
    close: () => ssh.close(),
  };
}

async function steadily(call: ExecOptions, work: (rest: ExecOptions) => Promise<ExecResult>): Promise<ExecResult> {
  const deadline = performance.now() + call.deadlineMs;
  let cutAt: number | null = null;
  while (true) {
    try {
      return await work({ ...call, deadlineMs: deadline - performance.now() });
    } catch (error) {
      const now = performance.now();
      if (!(error instanceof SshError) || call.signal?.aborted) throw error;
      if (error.reason !== "unknown" && (cutAt === null || error.reason !== "network")) throw error;
      cutAt ??= now;
      if (now + BETWEEN_TRIES_MS >= Math.min(cutAt + PATIENCE_MS, deadline)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS));
  }
}
