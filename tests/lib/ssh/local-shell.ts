/** The remote end without SSH: commands run by a local shell with a home folder of their own, as sshd would run them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ssh, SshTarget } from "../../../lib/ssh/ssh.ts";

export interface LocalShell {
  readonly ssh: Pick<Ssh, "exec">;
  readonly target: SshTarget;
  readonly home: string;
  /** Folder that comes first in PATH. */
  readonly bin: string;
  remove(): void;
}

/** The shells that the commands must work in, and where they are. */
export const SHELLS = [
  { name: "dash", path: "/usr/bin/dash" },
  { name: "bash", path: "/usr/bin/bash" },
  { name: "busybox ash", path: "/usr/bin/busybox" },
].map((shell) => ({ ...shell, available: existsSync(shell.path) }));

/** @param path program that is both the login shell and `sh` */
export function localShell(path: string): LocalShell {
  const home = mkdtempSync(join(tmpdir(), "spark-home-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  symlinkSync(path, join(bin, "sh"));
  const env = { HOME: home, PATH: `${bin}:/usr/bin:/bin:/usr/sbin:/sbin` };
  return {
    home,
    bin,
    target: { host: "spark-1", port: 22, user: "alice" },
    ssh: {
      async exec(_target, command) {
        const child = Bun.spawn([join(bin, "sh"), "-c", command], { env, cwd: home, stdout: "pipe", stderr: "pipe" });
        const [stdoutBytes, stderr, exitCode] = await Promise.all([
          new Response(child.stdout).bytes(),
          new Response(child.stderr).text(),
          child.exited,
        ]);
        const stdout = new TextDecoder().decode(stdoutBytes);
        return { stdout, stdoutBytes, stderr, exitCode, truncated: false };
      },
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
