/** Running the launch script on the head by hand, detached from whoever asks, with its log and exit code kept. */
import { command } from "../../lib/ssh/quote.ts";
import { until } from "./command.ts";
import type { Lab } from "./lab.ts";
import { ETHERNET } from "./network.ts";

export interface LaunchOptions {
  /** 1 = head only. Default 1. */
  readonly nodes?: 1 | 2;
  /** Flags of the launch script beside the nodes and interfaces, such as `--solo` or `-d`. */
  readonly flags?: readonly string[];
  /** What to run in the container. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Launch {
  /** All that the script has printed. */
  log(): Promise<string>;
  /** Its exit code, or null while it runs. */
  exitCode(): Promise<number | null>;
  /** Waits for the end. @returns the exit code */
  ended(timeoutMs: number): Promise<number>;
}

/** The flags that name the nodes and the interfaces. */
export function clusterFlags(lab: Lab, nodes: 1 | 2): string[] {
  const addresses = lab.hosts.slice(0, nodes).map((host) => host.address);
  return ["-n", addresses.join(","), "--eth-if", ETHERNET, "--ib-if", "rocep1s0f1"];
}

let count = 0;

/** Starts `launch-cluster.sh … exec COMMAND` on the head; resolves when it is under way. */
export async function launch(lab: Lab, options: LaunchOptions): Promise<Launch> {
  const { head } = lab;
  count += 1;
  const name = `launch-${count}`;
  const flags = [...clusterFlags(lab, options.nodes ?? 1), ...(options.flags ?? [])];
  const variables = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const words = command(["env", ...variables, lab.launchScript, ...flags, "exec", ...options.command]);
  await Bun.write(head.homeFile(`${name}.sh`), `${words}\necho $? >~/${name}.tmp\nmv ~/${name}.tmp ~/${name}.exit\n`);
  const started = await head.exec(`setsid nohup bash ~/${name}.sh </dev/null >~/${name}.log 2>&1 &`);
  if (started.exitCode !== 0) throw new Error(`launch: ${started.stderr}`);
  const exitCode = async () => {
    const file = Bun.file(head.homeFile(`${name}.exit`));
    return (await file.exists()) ? Number(await file.text()) : null;
  };
  return {
    log: () => Bun.file(head.homeFile(`${name}.log`)).text(),
    exitCode,
    ended: async (timeoutMs) => {
      await until("the launch script has ended", async () => (await exitCode()) !== null, timeoutMs);
      return (await exitCode()) ?? -1;
    },
  };
}

/** Status of the head's `/health`, or null while nothing answers. */
export async function health(lab: Lab): Promise<number | null> {
  return fetch(`${lab.vllmUrl}/health`, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.status,
    () => null,
  );
}

/** Waits until the head's vLLM answers 200; gives up early, with the log, when the launch script ends. */
export async function ready(lab: Lab, started: Launch, timeoutMs = 60_000): Promise<void> {
  await until(
    "vLLM is ready",
    async () => {
      if ((await health(lab)) === 200) return true;
      const code = await started.exitCode();
      if (code !== null) throw new Error(`the launch ended with ${code}:\n${await started.log()}`);
      return false;
    },
    timeoutMs,
  );
}

/** Kills the containers on both hosts at once, without the ten seconds of a stop. */
export async function removeContainers(lab: Lab): Promise<void> {
  await Promise.all(lab.hosts.map((host) => host.exec("docker rm -f $(docker ps -aq)")));
}
