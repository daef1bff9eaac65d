/** SSH that tells how its commands went: where, how long, and with which end. Never what was said. */
import { SshError } from "./errors.ts";
import type { SshPool } from "./ssh.ts";

export interface WatchedCommand {
  readonly host: string;
  readonly seconds: number;
  /** `ok`, `exit_code`, or why there was no result. */
  readonly outcome: string;
}

export function watchedSsh(ssh: SshPool, onCommand: (command: WatchedCommand) => void): SshPool {
  return {
    ...ssh,
    async exec(target, command, options) {
      const began = performance.now();
      const over = (outcome: string) =>
        onCommand({ host: target.host, seconds: (performance.now() - began) / 1000, outcome });
      try {
        const result = await ssh.exec(target, command, options);
        over(result.exitCode === 0 ? "ok" : "exit_code");
        return result;
      } catch (error) {
        over(error instanceof SshError ? error.reason : "unknown");
        throw error;
      }
    },
  };
}
