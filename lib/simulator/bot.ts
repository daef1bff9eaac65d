/** The Matrix bridge of the simulated cluster: its container, its checkout, and what an update of it says. */
import type { Container } from "./containers.ts";
import type { Invocation, Program } from "./invocation.ts";
import type { VirtualProcess } from "./processes.ts";
import { HOME, type SimulatedSpark } from "./spark.ts";

export const BOT = "matrix-bridge";
/** Its own login on the Spark. */
export const BOT_USER = "bridge";
export const BOT_FOLDER = `${HOME}/${BOT}`;

const EXIT_GIT = 128;
/** Simulated seconds of each line of the build. */
const BUILD: readonly (readonly [number, string])[] = [
  [4, "#1 [internal] load build definition from Dockerfile"],
  [10, "#5 [2/4] COPY package.json ."],
  [60, "#6 [3/4] RUN npm ci --omit=dev"],
  [20, "#7 [4/4] COPY . ."],
  [8, "#8 exporting to image"],
];

export function startBot(spark: SimulatedSpark): void {
  spark.files.addFolder(BOT_FOLDER);
  spark.docker.addImage(BOT);
  spark.docker.run({
    name: BOT,
    image: BOT,
    argv: ["node", "bridge.js"],
    autoRemove: false,
    restarts: true,
    obeysTerm: true,
    main: runBot,
  });
}

function runBot(self: VirtualProcess, container: Container): Promise<never> {
  container.log.append("bridge: connected, 3 rooms\n");
  return new Promise((_resolve, reject) => {
    self.signal.addEventListener("abort", () => reject(self.signal.reason));
  });
}

/** @param args branch, seconds of the limit */
export const updateBot =
  (args: (call: Invocation) => readonly string[]): Program =>
  async (call) => {
    const { spark, stdio, signal, process } = call;
    const [branch = "", limit = "0"] = args(call);
    const has = (kind: "service_update_denied" | "service_update_stuck") =>
      spark.faults.ofService(kind, spark.name, BOT);
    const over = spark.scheduler.after(Number(limit), () => {
      stdio.out("\n::timeout\n");
      if (process) spark.processes.killGroup(process.group);
    });
    try {
      stdio.out("\n::step fetch\n");
      await spark.scheduler.sleep(3, signal);
      if (has("service_update_denied")) {
        stdio.out("git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.\n");
        stdio.out(`\n::failed ${EXIT_GIT}\n`);
        return EXIT_GIT;
      }
      stdio.out(`From example.org:bots/matrix-bridge\n   4e5f6a7..8b9c0d1  ${branch} -> origin/${branch}\n`);
      stdio.out(`\n::step reset\nHEAD is now at 8b9c0d1 Keep the room list small\n`);
      await spark.scheduler.sleep(1, signal);
      stdio.out("\n::step build\n");
      for (const [seconds, line] of BUILD) {
        await spark.scheduler.sleep(seconds, signal);
        if (has("service_update_stuck")) await spark.changes.when(() => !has("service_update_stuck"), signal);
        stdio.out(`${line}\n`);
      }
      const container = spark.docker.find(BOT);
      if (container) await spark.docker.stop(container, 10);
      if (container) spark.docker.start(container);
      stdio.out(` Container ${BOT}  Started\n`);
      return 0;
    } finally {
      over();
    }
  };
