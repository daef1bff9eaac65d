/** One poll of a Spark: does it run a command over SSH, and if not, does anything answer at its SSH port? */
import { SshError } from "../ssh/errors.ts";
import { portAnswers } from "../ssh/port.ts";
import { command } from "../ssh/quote.ts";
import type { SshPool } from "../ssh/ssh.ts";
import type { Node } from "../topology/topology.ts";
import { targetOf } from "./spark-ssh.ts";

const NOTHING = command(["true"]);
/** Together under the 5 s between two polls. */
const SSH_DEADLINE_MS = 4_000;
const PORT_DEADLINE_MS = 3_000;
/** An answer that takes longer is worth asking the port, too. */
const PATIENCE_MS = 1_000;

/** Same words as `Verdict` of lib/connectivity. */
export interface Probed {
  readonly verdict: "up" | "no_network" | "no_ssh";
  readonly reason: string | null;
  readonly certain: boolean;
}

/**
 * The one connection that everybody uses is asked first, and its answer says that TCP works too. The port is tried only
 * when that answer does not come: each connection that is closed without a login is a line in the Spark's log, and newer
 * versions of sshd shut out who makes many (sshd_config(5), PerSourcePenalties).
 * @param wasDown the port is asked first then, and the old connection is not waited for: after a pulled cable it would take
 *   long to come to life
 */
export async function probe(
  ssh: Pick<SshPool, "exec" | "renew">,
  node: Node,
  wasDown: boolean,
  signal: AbortSignal,
): Promise<Probed> {
  const target = targetOf(node);
  if (wasDown) {
    if (!(await portAnswers(target, PORT_DEADLINE_MS, signal))) return noNetwork(node);
    ssh.renew(target);
  }
  const asked = ask(ssh, node, signal);
  const patience = Promise.withResolvers<"late">();
  const timer = setTimeout(() => patience.resolve("late"), PATIENCE_MS);
  const first = await Promise.race([asked, patience.promise]);
  clearTimeout(timer);
  if (first === null) return { verdict: "up", reason: null, certain: true };
  if (first instanceof SshError && first.needsHuman) return noSsh(first);
  const [error, answers] = await Promise.all([asked, portAnswers(target, PORT_DEADLINE_MS, signal).catch(() => false)]);
  if (error === null) return { verdict: "up", reason: null, certain: true };
  return answers || error.needsHuman ? noSsh(error) : noNetwork(node);
}

/** @returns null when the command ran */
async function ask(ssh: Pick<SshPool, "exec">, node: Node, signal: AbortSignal): Promise<SshError | null> {
  try {
    await ssh.exec(targetOf(node), NOTHING, { deadlineMs: SSH_DEADLINE_MS, signal });
    return null;
  } catch (error) {
    if (error instanceof SshError) return error;
    throw error;
  }
}

const noNetwork = (node: Node): Probed => ({
  verdict: "no_network",
  reason: `Nothing answers at ${node.host}, port ${node.ssh_port}.`,
  certain: true,
});

const noSsh = (error: SshError): Probed => ({ verdict: "no_ssh", reason: error.message, certain: error.needsHuman });
