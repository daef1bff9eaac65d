/** How much space folders take on a Spark, without sudo. */
import { Fault } from "../fault.ts";
import { command, path } from "../ssh/quote.ts";
import type { Node } from "../topology/topology.ts";
import type { SparkSsh } from "./spark-ssh.ts";

const BYTES_PER_KIB = 1024;
/** A cache of some hundred thousand small files takes a while on a cold disk. */
const DEADLINE_MS = 60_000;
/** A command line has its limits. */
const FOLDERS_A_ROUND = 100;

/** Bytes of each folder, links not followed; null for one that is not there. @throws Fault when the node cannot be asked */
export async function diskUsage(
  ssh: SparkSsh,
  node: Node,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<(number | null)[]> {
  const sizes: (number | null)[] = [];
  for (let from = 0; from < folders.length; from += FOLDERS_A_ROUND) {
    const part = folders.slice(from, from + FOLDERS_A_ROUND);
    const asked = part.map((folder) => command(["du", "-sk", path(folder)]));
    const answers = await ssh.batch(node, asked, signal, DEADLINE_MS);
    if (answers.length !== part.length)
      throw new Fault("upstream", "unreadable", `${node.name} gave an incomplete answer.`);
    sizes.push(...answers.map(({ output }) => sizeIn(output)));
  }
  return sizes;
}

/** `du` that may not read one folder within answers with exit code 1 and the size of the rest. */
function sizeIn(output: string): number | null {
  const kib = /^(\d+)\s/m.exec(output)?.[1];
  return kib === undefined ? null : Number(kib) * BYTES_PER_KIB;
}
