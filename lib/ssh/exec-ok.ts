/** For commands whose only good exit code is 0. */
import { SshError, targetName } from "./errors.ts";
import type { ShellCommand } from "./quote.ts";
import type { ExecOptions, ExecResult, Ssh, SshTarget } from "./ssh.ts";

const MAX_SHOWN = 400;

/**
 * `ssh.exec` that refuses any exit code but 0.
 * @param what for the message, in words: "docker stop"
 * @throws SshError; of reason `exit_code` with the end of what the command said on stderr
 */
export async function execOk(
  ssh: Pick<Ssh, "exec">,
  target: SshTarget,
  command: ShellCommand,
  options: ExecOptions & { readonly what: string },
): Promise<ExecResult> {
  const { what, ...rest } = options;
  const result = await ssh.exec(target, command, rest);
  if (result.exitCode === 0) return result;
  throw exitCodeError(target, what, result);
}

/** The error for a command that ended with another code than it should have. */
export function exitCodeError(target: SshTarget, what: string, result: ExecResult): SshError {
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-MAX_SHOWN);
  return new SshError(
    "exit_code",
    target,
    `${what} on ${targetName(target)} failed with exit code ${result.exitCode}${said === "" ? "." : `: ${said}`}`,
    { members: { exit_code: result.exitCode } },
  );
}
