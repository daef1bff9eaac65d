/** A simulated cluster under test, and a plain ssh2 client to speak to it. */
import { randomBytes } from "node:crypto";
import ssh2, { type Client } from "ssh2";
import type { SimulatedFault } from "../../../lib/simulator/faults.ts";
import { makeHostKey } from "../../../lib/simulator/host-key.ts";
import { type SimulatedCluster, type SimulatorOptions, startSimulator } from "../../../lib/simulator/simulator.ts";
import type { SimulatedSpark } from "../../../lib/simulator/spark.ts";
import { batch, command, parseBatch, type ShellCommand, script, type Word } from "../../../lib/ssh/quote.ts";
import { SCRIPTS, type ScriptName } from "../../../lib/ssh/remote-scripts.ts";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when the channel closed without an exit status. */
  readonly code: number | null;
}

/** The controller's key. */
export const CONTROLLER_KEY = makeHostKey();
export const INSTANCE = "0191d9c4-0000-7000-8000-00000000a11c";

export interface LoginOptions {
  readonly privateKey?: string;
  readonly user?: string;
  readonly readyTimeoutMs?: number;
  readonly onHostKey?: (key: Buffer) => void;
}

/** Logs in as the controller does. Rejects with what ssh2 says. */
export function login(spark: Pick<SimulatedSpark, "address" | "sshPort">, options: LoginOptions = {}): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    client.on("error", reject);
    client.on("close", () => reject(new Error("closed before it was ready")));
    client.on("ready", () => resolve(client));
    client.connect({
      host: spark.address,
      port: spark.sshPort,
      username: options.user ?? "spark",
      privateKey: options.privateKey ?? CONTROLLER_KEY.privateText,
      readyTimeout: options.readyTimeoutMs ?? 10_000,
      hostVerifier: (key: Buffer) => {
        options.onHostKey?.(key);
        return true;
      },
    });
  });
}

export function run(client: Client, line: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    client.exec(line, (error, channel) => {
      if (error) return reject(error);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let code: number | null = null;
      channel.on("data", (data: Buffer) => out.push(data));
      channel.stderr.on("data", (data: Buffer) => err.push(data));
      channel.on("exit", (status: number | null) => {
        code = status;
      });
      channel.on("close", () => {
        resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code });
      });
    });
  });
}

export interface Reading {
  readonly fields: Readonly<Record<string, string>>;
  readonly log: string;
}

/** One started cluster with a connection to each node. */
export class Bench implements AsyncDisposable {
  readonly #clients = new Map<string, Promise<Client>>();

  private constructor(readonly cluster: SimulatedCluster) {}

  static async start(options: Partial<SimulatorOptions> = {}): Promise<Bench> {
    return new Bench(
      await startSimulator({ speed: 1000, authorizedKey: CONTROLLER_KEY.publicText, services: false, ...options }),
    );
  }

  get head(): SimulatedSpark {
    return this.cluster.nodes[0]!;
  }

  get worker(): SimulatedSpark {
    return this.cluster.nodes[1]!;
  }

  inject(fault: SimulatedFault): void {
    this.cluster.inject(fault);
  }

  async line(text: string, spark = this.head): Promise<Ran> {
    return run(await this.client(spark), text);
  }

  exec(words: readonly [Word, ...Word[]], spark = this.head): Promise<Ran> {
    return this.line(command(words), spark);
  }

  async look(commands: readonly ShellCommand[], spark = this.head) {
    const nonce = randomBytes(8).toString("hex");
    const { stdout } = await this.line(batch(commands, nonce), spark);
    return parseBatch(stdout, nonce);
  }

  script(name: ScriptName, args: readonly Word[], spark = this.head): Promise<Ran> {
    return this.line(script(name, SCRIPTS[name], args), spark);
  }

  /** Words of a launch as the controller writes them. */
  launchWords(
    model: string,
    options: { nodes?: number; args?: readonly string[]; flags?: readonly string[]; docker?: string } = {},
  ): string[] {
    const hosts = this.cluster.nodes.slice(0, options.nodes ?? 1);
    const serve = ["vllm", "serve", model, "--host", "0.0.0.0", "--port", String(this.cluster.vllmPort)];
    const flags = options.flags ?? (hosts.length === 1 ? ["--solo"] : []);
    const before = [
      "-n",
      hosts.map(({ address }) => address).join(","),
      ...flags,
      "-t",
      "vllm-node",
      "--name",
      "vllm_node",
    ];
    return [
      "env",
      `VLLM_SPARK_EXTRA_DOCKER_ARGS=${options.docker ?? ""}`,
      "./launch-cluster.sh",
      ...before,
      "exec",
      ...serve,
      ...(options.args ?? []),
    ];
  }

  startJob(id: string, words: readonly string[], generation = 1, spark = this.head): Promise<Ran> {
    const cwd = { home: "spark-vllm-docker" };
    return this.script("spark-job-start", [id, String(generation), INSTANCE, cwd, ...words], spark);
  }

  async readJob(id: string, offset = 0, maxBytes = 1_000_000, spark = this.head): Promise<Reading> {
    const { stdout } = await this.script("spark-job-read", [id, String(offset), String(maxBytes)], spark);
    const end = stdout.indexOf("\n\n");
    const fields = stdout
      .slice(0, end)
      .split("\n")
      .map((text) => text.split(" ") as [string, string]);
    return { fields: Object.fromEntries(fields), log: stdout.slice(end + 2) };
  }

  /** Resolves once the job's process has ended in any way. */
  jobEnds(id: string, spark = this.head): Promise<void> {
    return this.cluster.until(() => {
      const job = spark.jobs.get(id);
      return job !== undefined && (job.exitCode !== null || spark.processes.get(job.process?.pid ?? 0) === undefined);
    });
  }

  vllmAnswers(): Promise<void> {
    return this.cluster.until(() => this.head.listeningPorts().includes(this.cluster.vllmPort));
  }

  url(path: string): string {
    return `http://${this.head.address}:${this.cluster.vllmPort}${path}`;
  }

  client(spark: SimulatedSpark): Promise<Client> {
    const known = this.#clients.get(spark.name);
    if (known) return known;
    const made = login(spark);
    this.#clients.set(spark.name, made);
    made.then(
      (client) => client.on("close", () => this.#clients.delete(spark.name)),
      () => this.#clients.delete(spark.name),
    );
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) (await client.catch(() => undefined))?.destroy();
    await this.cluster.close();
  }
}
