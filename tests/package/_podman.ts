/**
 * Podman with a store, mounts, locks and a network of its own: nothing of it touches another podman of this machine, and
 * all of it is gone when the sandbox ends.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Output, run } from "../lab/command.ts";

export const TOOLS = ["podman", "runc", "unshare", "nsenter", "ip", "tar", "debootstrap"] as const;
export const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The shared-memory locks, the run folder and podman's own paths are private; `lo` is the only interface. */
const SANDBOX = `
mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec sleep infinity
`;
/** Runs in the network of the sandbox. Arguments: URL, options of fetch as JSON. */
const ASK = `
const [url, init] = process.argv.slice(1);
try {
  const answer = await fetch(url, { ...JSON.parse(init), signal: AbortSignal.timeout(20000) });
  console.log(JSON.stringify({ status: answer.status, headers: [...answer.headers], text: await answer.text() }));
} catch (error) {
  console.log(JSON.stringify({ status: 0, headers: [], text: String(error) }));
}
`;

/** `status` is 0 while nothing answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json<T>(): T;
}

export class Podman {
  private constructor(
    readonly folder: string,
    private readonly sandbox: Bun.Subprocess<"ignore", "pipe", "inherit">,
  ) {}

  static async open(): Promise<Podman> {
    const folder = await mkdtemp(join(tmpdir(), "spark-image-"));
    const unshare = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", SANDBOX];
    const sandbox = Bun.spawn(unshare, { env: { PATH }, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const { value } = await sandbox.stdout.getReader().read();
    if (value === undefined) throw new Error(`no namespaces: unshare ended with ${await sandbox.exited}`);
    return new Podman(folder, sandbox);
  }

  /** @param network of the sandbox ("own", only `lo`) or of the machine, for what has to be downloaded */
  async tryTo(args: readonly string[], network: "own" | "machine" = "own", stdin?: string): Promise<Output> {
    const at = (name: string) => join(this.folder, name);
    const podman = ["podman", "--root", at("store"), "--runroot", at("run"), "--tmpdir", at("libpod")];
    const how = ["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--runtime", "runc"];
    const enter = ["nsenter", `--target=${this.sandbox.pid}`, "--mount", ...(network === "own" ? ["--net"] : [])];
    const command = [...enter, ...podman, ...how, "--events-backend", "file", ...args];
    const env = { PATH, HOME: this.folder, TMPDIR: this.folder };
    return run(stdin === undefined ? command : ["sh", "-c", `${stdin} | exec "$@"`, "sh", ...command], { env });
  }

  async must(args: readonly string[], network: "own" | "machine" = "own", stdin?: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.tryTo(args, network, stdin);
    if (exitCode !== 0) throw new Error(`podman ${args[0]} exited with ${exitCode}: ${stderr.slice(-4000)}`);
    return stdout.trim();
  }

  /** A request from within the network of the containers. */
  async ask(url: string, init: RequestInit = {}): Promise<Answer> {
    const enter = ["nsenter", `--target=${this.sandbox.pid}`, "--net"];
    const { stdout, stderr } = await run([...enter, process.execPath, "-e", ASK, url, JSON.stringify(init)]);
    if (stdout === "") throw new Error(`nothing was asked: ${stderr}`);
    const { status, headers, text } = JSON.parse(stdout) as {
      status: number;
      headers: [string, string][];
      text: string;
    };
    return { status, text, headers: new Headers(headers), json: <T>() => JSON.parse(text) as T };
  }

  async close(): Promise<void> {
    await this.tryTo(["rm", "--all", "--force", "--time", "0"]);
    this.sandbox.kill("SIGKILL");
    await this.sandbox.exited;
    await rm(this.folder, { recursive: true, force: true });
  }
}
