/** A model's folder on a Spark: how large it is, and what its config.json says. */
import { command, path } from "../ssh/quote.ts";
import type { Node } from "../topology/topology.ts";
import type { SparkSsh } from "./spark-ssh.ts";

const BYTES_PER_KIB = 1024;
const DEADLINE_MS = 30_000;
const MOST_CONFIG_CHARACTERS = 65_536;

export interface ModelFolder {
  readonly bytes: number;
  /** Null when there is none that can be read. */
  readonly config: string | null;
}

/** Null: there is no such folder. @throws Fault when the Spark cannot be asked */
export async function readModelFolder(
  ssh: SparkSsh,
  node: Node,
  folder: string,
  signal: AbortSignal,
): Promise<ModelFolder | null> {
  const asked = [
    command(["test", "-d", path(folder)]),
    command(["du", "-sk", path(folder)]),
    command(["cat", path(`${folder}/config.json`)]),
  ];
  const [there, used, config] = await ssh.batch(node, asked, signal, DEADLINE_MS);
  if (there?.exitCode !== 0) return null;
  const kib = /^(\d{1,15})\s/m.exec(used?.output ?? "")?.[1];
  const isReadable = config?.exitCode === 0 && config.output.length <= MOST_CONFIG_CHARACTERS;
  return { bytes: Number(kib ?? 0) * BYTES_PER_KIB, config: isReadable ? config.output : null };
}
