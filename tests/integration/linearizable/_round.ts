/** One round: a controller, sixteen clients, two kills, and the question whether one lock could have answered so. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDataDir } from "../../support/controller.ts";
import { until } from "../../support/until.ts";
import { check } from "./_checker.ts";
import { playClients } from "./_clients.ts";
import type { Op } from "./_history.ts";
import type { Mistake } from "./_mistakes.ts";

export const KILL_POINTS = ["before_commit", "after_commit", "before_answer", "any_moment"] as const;
export type KillPoint = (typeof KILL_POINTS)[number];

/** No Spark answers there: each swap is claimed, looks, and has failed some milliseconds later. */
const FILES = {
  "topology.yaml": "nodes:\n  - { name: spark-1, host: 127.0.0.1, ssh_port: 1, user: alice }\n",
  "models-overrides.yaml": "models:\n  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2 }\n",
};
const PART_MS = 450;
/** A point is reached this many times before the kill, at most. */
const LATEST_KILL = 80;

export interface Round {
  readonly wrong: string | null;
  readonly calls: number;
  readonly granted: number;
  /** Calls whose answer was lost. */
  readonly unanswered: number;
  /** Where it was killed: a point that was not reached in time became a kill at any moment. */
  readonly kills: readonly KillPoint[];
}

export interface RoundOptions {
  readonly random: () => number;
  readonly mistake?: Mistake;
  /** None: the controller lives through the whole round. */
  readonly kills: readonly KillPoint[];
}

export async function playRound({ random, mistake, kills }: RoundOptions): Promise<Round> {
  const data = makeDataDir(FILES);
  const over = new AbortController();
  let server = await Server.start(data.dataDir, kills[0], random, mistake);
  const killed: KillPoint[] = [];
  try {
    const playing = playClients({ url: () => server.url, random, over: over.signal });
    for (const [index, kill] of kills.entries()) {
      const at = performance.now();
      const most = kill === "any_moment" ? PART_MS * (0.3 + random()) : PART_MS * 4;
      await until("it is killed", () => server.hasEnded || performance.now() - at > most, PART_MS * 10);
      killed.push(server.hasEnded ? kill : "any_moment");
      await server.kill();
      server = await Server.start(data.dataDir, kills[index + 1], random, mistake);
    }
    const at = performance.now();
    await until("the last part is over", () => performance.now() - at > PART_MS, PART_MS * 10);
    over.abort();
    const history = await playing;
    const wrong = check(history);
    return {
      ...figures(history),
      wrong: wrong && !mistake ? `${wrong}\n(all calls: ${keep(history)})` : wrong,
      kills: killed,
    };
  } finally {
    over.abort();
    await server.kill();
    data.remove();
  }
}

/** For whoever looks into it. @returns where */
function keep(history: readonly Op[]): string {
  const file = join(tmpdir(), `lock-history-${Date.now()}.json`);
  writeFileSync(file, JSON.stringify(history));
  return file;
}

function figures(history: readonly Op[]) {
  const count = (holds: (op: Op) => boolean) => history.filter(holds).length;
  return {
    calls: history.length,
    granted: count(({ outcome }) => outcome?.is === "granted"),
    unanswered: count(({ answeredMs }) => answeredMs === null),
  };
}

class Server {
  private constructor(
    readonly url: string,
    private readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">,
  ) {}

  static async start(dataDir: string, kill: KillPoint | undefined, random: () => number, mistake?: Mistake) {
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: dataDir,
      DATA_DIR: dataDir,
      KILL_POINT: kill ?? "",
      KILL_AT: String(1 + Math.floor(random() * LATEST_KILL)),
      MISTAKE: mistake ?? "",
    };
    const command = [process.execPath, join(import.meta.dir, "_server.ts")];
    const child = Bun.spawn(command, { env, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      const url = /http:\/\/\S+/.exec(said)?.[0];
      if (url && said.endsWith("\n")) return new Server(url, child);
    }
    throw new Error(`the controller ended with ${await child.exited}`);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}
