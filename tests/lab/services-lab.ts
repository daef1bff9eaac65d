/** Services in containers of the worker, and a controller that watches them each second. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Service } from "../../lib/service/service.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";

export const KINDS = ["asr", "diarizer", "tts", "embeddings", "reranker", "qdrant", "http", "vllm", "bot"] as const;
export type Kind = (typeof KINDS)[number];
const FIRST_PORT = 9_100;
export const portOf = (kind: Kind) => FIRST_PORT + KINDS.indexOf(kind);

/** The usual services are hidden: those of the test have names of their own. */
export function servicesYaml(more = ""): string {
  const own = KINDS.map((kind) => {
    const port = kind === "bot" ? "" : `, port: ${portOf(kind)}`;
    const bot = kind === "bot" ? ", user: bridge, directory: ~/matrix-bridge" : "";
    return `  the-${kind}: { kind: ${kind}, node: spark-2, container: ${kind}${port}${bot}, auto_restart: false }\n`;
  });
  return `services:\n${own.join("")}${more}`;
}

/** Starts a container for each kind. */
export async function runServices(host: Host, kinds: readonly Kind[] = KINDS): Promise<void> {
  await mkdir(host.homeFile("flags"), { recursive: true });
  await copyFile(join(import.meta.dir, "service/server.ts"), host.homeFile("server.ts"));
  await Promise.all(
    kinds.map(async (kind) => {
      const mounts = `-v ${host.home}/server.ts:/server.ts -v ${host.home}/flags:/flags`;
      const started = await host.exec(
        `docker run -d --privileged --ipc=host --network host --name ${kind} ${mounts} vllm-node bun /server.ts ${kind} ${portOf(kind)}`,
      );
      if (started.exitCode !== 0) throw new Error(`${kind}: ${started.stderr}`);
    }),
  );
}

export const setFlag = (host: Host, flag: string) => writeFile(host.homeFile(`flags/${flag}`), "");
/** The folder itself stays: it is mounted. */
export const dropFlags = (host: Host) => host.exec("mkdir -p ~/flags && rm -f ~/flags/*");

export async function removeServices(host: Host): Promise<void> {
  await host.exec("docker rm -f $(docker ps -aq)");
}

/** What docker itself says on the host. */
export async function inspect(host: Host, container: string) {
  const { stdout } = await host.exec(`docker inspect --type container ${container}`);
  const [entry] = JSON.parse(stdout) as { State: { Running: boolean; StartedAt: string } }[];
  return entry?.State ?? null;
}

export async function answers(host: Host, port: number): Promise<boolean> {
  const answer = await fetch(`http://${host.address}:${port}/`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => null,
  );
  return answer !== null;
}

export interface Watch {
  readonly controller: Controller;
  readonly data: ReturnType<typeof makeDataDir>;
  service(name: string): Promise<Service>;
  act(name: string, action: string): Promise<{ readonly status: number; readonly body: Service & { code?: string } }>;
  end(): Promise<void>;
}

export async function watch(
  lab: Lab,
  options: { readonly services?: string; readonly settings?: string; readonly models?: string } = {},
): Promise<Watch> {
  const { services = servicesYaml(), settings = "", models = "" } = options;
  const data = makeDataDir({
    "topology.yaml": `${lab.topologyYaml}settings:\n  probe_seconds: 1\n  deep_check_minutes: 0\n${settings}`,
    "services-overrides.yaml": services,
    "models-overrides.yaml": models,
  });
  await lab.authorize(data.publicKeyLine);
  const env = { DISABLED_SERVICES: "parakeet,diarizer,kokoro,embeddings,reranker,qdrant" };
  const controller = await Controller.start({ dataDir: data.dataDir, env });
  return {
    controller,
    data,
    service: (name) => controller.get<Service>(`/api/services/${name}`),
    async act(name, action) {
      const answer = await controller.post(`/api/services/${name}/${action}`);
      return { status: answer.status, body: (await answer.json()) as Service & { code?: string } };
    },
    async end() {
      await controller.kill();
      data.remove();
      // A vLLM was acted on: the Spark obeys that controller, and the next one would have to take it over.
      for (const host of lab.hosts) await host.exec("rm -rf ~/.spark-control");
    },
  };
}
