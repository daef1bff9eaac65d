/** The controller as a process of its own, as people run it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { until } from "./until.ts";

const SERVER = join(import.meta.dir, "../../routes/_server.ts");
const SETTLED = new Set(["ready", "failed", "cancelled", "unknown"]);

export interface ControllerOptions {
  readonly dataDir: string;
  readonly arguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the one that it is given. */
  readonly within?: readonly string[];
}

/** A new DATA_DIR with these files in it. @returns its path, the controller's public key, and how to remove it */
export function makeDataDir(files: Readonly<Record<string, string>> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "spark-data-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text);
  const { publicKeyLine } = loadIdentity({ folder: dataDir });
  return { dataDir, publicKeyLine, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

export class Controller {
  private constructor(
    readonly url: string,
    readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">,
    private readonly output: string[],
  ) {}

  /** Resolves when it says where it listens. */
  static async start({ dataDir, env = {}, arguments: args = [], within = [] }: ControllerOptions): Promise<Controller> {
    const child = Bun.spawn([...within, process.execPath, SERVER, ...args], {
      env: { PATH: process.env.PATH ?? "", HOME: dataDir, DATA_DIR: dataDir, PORT: "0", HOST: "127.0.0.1", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const output: string[] = [];
    void collect(child.stdout, output);
    void collect(child.stderr, output);
    const address = () => /http:\/\/localhost:\d+/.exec(output.join(""))?.[0];
    await until("the controller listens", () => address() !== undefined || child.exitCode !== null, 20_000);
    const url = address();
    if (url === undefined) throw new Error(`the controller ended with ${child.exitCode}: ${output.join("")}`);
    return new Controller(url.replace("localhost", "127.0.0.1"), child, output);
  }

  /** Everything that it has written to stdout and stderr. */
  get said(): string {
    return this.output.join("");
  }

  async get<T>(path: string): Promise<T> {
    return (await fetch(this.url + path)).json() as Promise<T>;
  }

  post(path: string, body: unknown = {}): Promise<Response> {
    const headers = { "content-type": "application/json" };
    return fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async begin(model: string, more: Readonly<Record<string, unknown>> = {}): Promise<SwapJob> {
    const answer = await this.post("/api/swap", { model, ...more });
    if (answer.status !== 202) throw new Error(`POST /api/swap answered ${answer.status}: ${await answer.text()}`);
    return answer.json() as Promise<SwapJob>;
  }

  async settled(jobId: string, deadlineMs = 120_000): Promise<SwapJob> {
    let job = await this.get<SwapJob>(`/api/swap/${jobId}`);
    await until(
      `swap ${jobId} is settled`,
      async () => {
        job = await this.get<SwapJob>(`/api/swap/${jobId}`);
        return SETTLED.has(job.state);
      },
      deadlineMs,
    );
    return job;
  }

  /** Starts a swap and waits until it is settled. */
  async swap(model: string, more: Readonly<Record<string, unknown>> = {}): Promise<SwapJob> {
    return this.settled((await this.begin(model, more)).job_id);
  }

  /** Ends it as a service manager would. @returns its exit code */
  async stop(): Promise<number> {
    this.process.kill("SIGTERM");
    return this.process.exited;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }
}

async function collect(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) into.push(decoder.decode(chunk, { stream: true }));
}
