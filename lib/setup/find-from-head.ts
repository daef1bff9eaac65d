/**
 * Login from the first Spark to another one without a password, as the launch script does it: under the same user name
 * and at the address that it will be given. Nothing is written there: with the usual options ssh would note the other's
 * host key in known_hosts.
 */
import { command } from "../ssh/quote.ts";
import type { ExecResult } from "../ssh/ssh.ts";
import { evidenceOf, type Finding } from "./check.ts";
import { copyKeyLine } from "./lines.ts";
import type { Visit } from "./visit.ts";

const CONNECT_SECONDS = 5;
const DEADLINE_MS = 15_000;

const options = (hostKeys: readonly string[]) =>
  ["BatchMode=yes", `ConnectTimeout=${CONNECT_SECONDS}`, "UpdateHostKeys=no", ...hostKeys].flatMap((each) => [
    "-o",
    each,
  ]);

/** Only a key that the first Spark knows already. */
const KNOWN_KEYS = options(["StrictHostKeyChecking=yes"]);
/** Whatever key, noted nowhere. */
const ANY_KEY = options(["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]);

const logIn = (head: Visit, worker: Visit, how: readonly string[]): Promise<ExecResult> =>
  head.exec(command(["ssh", ...how, worker.address, "true"]), DEADLINE_MS);

export async function findFromHead(head: Visit, worker: Visit): Promise<Finding> {
  const first = head.node.name;
  const strict = await logIn(head, worker, KNOWN_KEYS);
  if (strict.exitCode === 0) return { state: "ok", seen: `${first} logs in at ${worker.address} without a password.` };
  const isChanged = /IDENTIFICATION HAS CHANGED/.test(strict.stderr);
  if (isChanged)
    return {
      state: "failed",
      seen: `${first} remembers another identity of ${worker.address}, and refuses to log in.`,
      evidence: evidenceOf(strict.stderr),
      fix: {
        text: "If that Spark was reinstalled, let the first one forget the old identity.",
        where: first,
        lines: [`ssh-keygen -R ${worker.address}`],
      },
    };
  const isUnknown = /host key verification failed/i.test(strict.stderr);
  const answer = isUnknown ? await logIn(head, worker, ANY_KEY) : strict;
  if (answer.exitCode === 0)
    return {
      state: "ok",
      seen: `${first} logs in at ${worker.address} without a password; it will note its identity at the first launch.`,
    };
  return { state: "failed", ...reason(head, worker, answer), evidence: evidenceOf(answer.stderr, answer.stdout) };
}

function reason(head: Visit, worker: Visit, { stderr, exitCode }: ExecResult): Pick<Finding, "seen" | "fix"> {
  const first = head.node.name;
  const { user } = head.node;
  if (/permission denied|too many authentication failures/i.test(stderr)) {
    const sameUser = user === worker.node.user;
    return {
      seen: `${first} may not log in at ${worker.address} as ${user} without a password.`,
      fix: {
        text: sameUser
          ? "Let it in with a key of its own. It asks for the password of the other Spark once. Models over both Sparks need this."
          : `The launch script uses the same user name on both Sparks. Make ${user} on the other one too, then let it in.`,
        where: first,
        lines: [copyKeyLine(user, worker.address)],
      },
    };
  }
  if (exitCode === 127)
    return {
      seen: `${first} has no ssh.`,
      fix: { text: "Install it.", where: first, lines: ["sudo apt-get install -y openssh-client"] },
    };
  return {
    seen: `${first} does not reach ${worker.address}.`,
    fix: {
      text: "Check the cable between the Sparks and that both are in the same network. If they know each other under another address, enter it as “Address between the Sparks”.",
      where: first,
      lines: [`ping -c 3 ${worker.address}`],
    },
  };
}
