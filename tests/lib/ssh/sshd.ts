/** A real OpenSSH server on loopback, in the foreground as a child of the test, with keys and home of its own. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";
import type { SshTarget } from "../../../lib/ssh/ssh.ts";

const SSHD = "/usr/sbin/sshd";

export const SSHD_AVAILABLE = existsSync(SSHD) && process.getuid?.() === 0;
export const SSHD_HOW = "needs root and OpenSSH's sshd (apt-get install openssh-server)";

export interface Sshd {
  readonly target: SshTarget;
  readonly folder: string;
  /** What `$HOME` is for the commands. */
  readonly home: string;
  /** A private key that the server accepts. */
  readonly privateKey: string;
  /** Its processes beside the one that listens: those of each connection, without the commands that they run. */
  connectionProcesses(): number;
  /** Starts again on the same port. */
  start(): Promise<void>;
  /** Kills the server and every session of it with SIGKILL. */
  kill(): Promise<void>;
  /** Gives the server another host key; takes effect with the next `start`. */
  changeHostKey(): void;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Waits until the condition holds; fails after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`did not happen within ${limitMs} ms: ${what}`);
    await Bun.sleep(10);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** @param config further lines of sshd_config */
export async function startSshd(config: readonly string[] = []): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "sshd-"));
  const home = join(folder, "home");
  mkdirSync(home);
  mkdirSync("/run/sshd", { recursive: true });
  const port = await freePort();
  const client = generateKeyPair("client");
  const hostKeyFile = join(folder, "host_key");
  const changeHostKey = () => writeFileSync(hostKeyFile, generateKeyPair("host").privateKey, { mode: 0o600 });
  changeHostKey();
  writeFileSync(join(folder, "authorized_keys"), `${client.publicKeyLine}\n`);
  writeFileSync(
    join(folder, "sshd_config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${hostKeyFile}`,
      `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "LogLevel ERROR",
      `SetEnv HOME=${home}`,
      ...config,
      "",
    ].join("\n"),
  );
  let server: Bun.Subprocess | undefined;

  const start = async () => {
    server = Bun.spawn([SSHD, "-D", "-e", "-f", join(folder, "sshd_config")], { stdout: "ignore", stderr: "ignore" });
    await until("sshd answers", () => accepts(port));
  };
  const kill = async () => {
    if (server === undefined) return;
    const pids = [server.pid, ...descendants(server.pid).filter((pid) => isSshd(pid))];
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone already
      }
    }
    await server.exited;
    server = undefined;
  };

  await start();
  return {
    target: { host: "127.0.0.1", port, user: "root" },
    folder,
    home,
    privateKey: client.privateKey,
    connectionProcesses: () => (server === undefined ? 0 : sshdsBelow(server.pid)),
    start,
    kill,
    changeHostKey,
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Counted from /proc, which is cheap enough to ask again and again. */
function sshdsBelow(pid: number): number {
  const text = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // It has ended meanwhile.
    }
  };
  return text(`/proc/${pid}/task/${pid}/children`)
    .split(" ")
    .filter((child) => child !== "" && text(`/proc/${child}/comm`).startsWith("sshd"))
    .reduce((sum, child) => sum + 1 + sshdsBelow(Number(child)), 0);
}

function descendants(pid: number): number[] {
  const found: number[] = [];
  const { stdout } = Bun.spawnSync(["ps", "-eo", "pid=,ppid="]);
  const rows = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const queue = [pid];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    for (const [child, of] of rows) {
      if (of !== parent || child === undefined) continue;
      found.push(child);
      queue.push(child);
    }
  }
  return found;
}

function isSshd(pid: number): boolean {
  const { stdout } = Bun.spawnSync(["ps", "-o", "comm=", "-p", String(pid)]);
  return stdout.toString().trim().startsWith("sshd");
}
