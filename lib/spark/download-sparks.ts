/** What a download needs of a Spark, over SSH. */
import { command, path } from "../ssh/quote.ts";
import type { SparkControl } from "../swap/cluster.ts";
import type { Node } from "../topology/topology.ts";
import { diskUsage } from "./disk-usage.ts";
import type { SparkSsh } from "./spark-ssh.ts";

const BYTES_PER_KIB = 1024;
const SCRIPT = "hf-download.sh";
const READ_BYTES = 256 * 1024;

export const HUB = "~/.cache/huggingface/hub";

/** The folder that Hugging Face's cache keeps for a repository. */
export const hubFolder = (repo: string): string => `${HUB}/models--${repo.replaceAll("/", "--")}`;

type Control = Pick<SparkControl, "address" | "fence" | "freeDiskKib" | "startJob" | "readJob" | "killJob">;

export function createDownloadSparks(control: Control, ssh: SparkSsh) {
  return {
    address: control.address,
    fence: control.fence,
    async hasScript(node: Node, signal: AbortSignal) {
      const test = command(["test", "-x", path(`${node.launch_dir}/${SCRIPT}`)]);
      return (await ssh.exec(node, test, signal)).exitCode === 0;
    },
    async freeBytes(node: Node, signal: AbortSignal) {
      const kib = await control.freeDiskKib(node, signal);
      return kib === null ? null : kib * BYTES_PER_KIB;
    },
    async usage(node: Node, repo: string, signal: AbortSignal) {
      return (await diskUsage(ssh, node, [hubFolder(repo)], signal))[0] ?? null;
    },
    async start(
      node: Node,
      job: {
        readonly id: string;
        readonly generation: number;
        readonly argv: readonly [string, ...string[]];
        readonly cwd: string;
      },
      signal: AbortSignal,
    ) {
      await control.startJob(node, { ...job, env: {} }, signal);
    },
    read: (node: Node, id: string, offset: number, signal: AbortSignal) =>
      control.readJob(node, id, offset, READ_BYTES, signal),
    async kill(node: Node, id: string, signal: AbortSignal) {
      const { generation } = await control.fence(node, signal);
      await control.killJob(node, id, generation, signal);
    },
  };
}
