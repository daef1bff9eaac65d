/** The named scripts about Hugging Face's cache, as lib/spark/hub.ts describes them. */
import { type Invocation, sh } from "./invocation.ts";
import { HOME } from "./spark.ts";

const HUB = `${HOME}/.cache/huggingface/hub`;
const EXIT_USAGE = 64;

export function listHub({ spark, stdio }: Invocation): number {
  for (const name of spark.files.list(HUB) ?? []) {
    if (!/^models--.+--.+$/.test(name)) continue;
    const snapshots = `${HUB}/${name}/snapshots`;
    const config = (spark.files.list(snapshots) ?? [])
      .map((each) => spark.files.text(`${snapshots}/${each}/config.json`))
      .findLast((text) => text !== undefined);
    const bytes = Buffer.byteLength(config ?? "");
    stdio.out(`model ${name} ${spark.files.usedKb(`${HUB}/${name}`) ?? 0} 0 ${bytes}\n${config ?? ""}\n`);
  }
  return 0;
}

/** @param args hub, folder */
export function removeFromHub(call: Invocation, [, name = ""]: readonly string[]): number {
  if (!/^models--[\w.-]+--[\w.-]+$/.test(name) || name.includes("..")) return EXIT_USAGE;
  const { files, faults, name: spark } = call.spark;
  if (faults.pending("files_of_root", spark))
    return sh(call, `rm: cannot remove './${name}/blobs/0': Permission denied`, 1);
  files.remove(`${HUB}/${name}`);
  call.spark.changes.notify();
  return 0;
}
