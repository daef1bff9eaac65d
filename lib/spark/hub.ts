/** Hugging Face's cache on a Spark: which repositories lie there, and removing one. Own scripts, POSIX sh. */
import { Fault } from "../fault.ts";
import { path, script } from "../ssh/quote.ts";
import type { Node } from "../topology/topology.ts";
import { HUB } from "./download-sparks.ts";
import type { SparkSsh } from "./spark-ssh.ts";

const BYTES_PER_KIB = 1024;
const DEADLINE_MS = 60_000;
const MOST_CONFIG_BYTES = 65_536;
const MOST_MODELS = 500;
const MOST_LINE_BYTES = 512;
const MOST_BYTES = MOST_MODELS * (MOST_LINE_BYTES + MOST_CONFIG_BYTES);
const EXIT_USAGE = 64;

/**
 * Argument: the hub. Per repository a line `model NAME KIB UNFINISHED BYTES`, then so many bytes of its config.json, then a
 * line feed. One script, because which snapshot there is shows only when looking.
 */
const LIST = `cd "$1" 2>/dev/null || exit 0
count=0
for dir in models--*--*; do
  [ -d "$dir" ] || continue
  count=$((count + 1))
  [ "$count" -le ${MOST_MODELS} ] || break
  kib=$(du -sk "$dir" 2>/dev/null | cut -f1)
  unfinished=$(ls "$dir/blobs" 2>/dev/null | grep -c '\\.incomplete$')
  config= bytes=0
  for each in "$dir"/snapshots/*/config.json; do
    if [ -r "$each" ]; then config=$each; fi
  done
  if [ -n "$config" ]; then bytes=$(($(wc -c <"$config"))); fi
  [ "$bytes" -le ${MOST_CONFIG_BYTES} ] || bytes=0
  printf 'model %s %s %s %s\\n' "$dir" "\${kib:-0}" "$unfinished" "$bytes"
  if [ "$bytes" -gt 0 ]; then head -c "$bytes" "$config"; fi
  printf '\\n'
done
exit 0
`;

/** Arguments: the hub, a folder of it. What the folder links to elsewhere stays. */
const REMOVE = `name=$2
case $name in *[!A-Za-z0-9._-]* | *..*) exit ${EXIT_USAGE} ;; models--?*--?*) ;; *) exit ${EXIT_USAGE} ;; esac
cd "$1" 2>/dev/null || exit 0
if [ -L "$name" ]; then rm -f "./$name"; else rm -rf "./$name"; fi
rm -rf "./.locks/$name"
[ ! -e "$name" ]
`;

export interface HubEntry {
  readonly repo: string;
  readonly bytes: number;
  /** Files whose download has begun and not ended. */
  readonly unfinished: number;
  /** Text of its config.json; null when there is none that can be read. */
  readonly config: string | null;
}

/** @throws Fault when the Spark cannot be asked */
export async function listHub(ssh: SparkSsh, node: Node, signal: AbortSignal): Promise<HubEntry[]> {
  const list = script("spark-hub-list", LIST, [path(HUB)]);
  const { stdoutBytes } = await ssh.exec(node, list, signal, DEADLINE_MS, MOST_BYTES);
  return readHub(stdoutBytes);
}

/** What is cut off or cannot be understood is left out. Never throws. */
export function readHub(output: Uint8Array): HubEntry[] {
  const bytes = Buffer.from(output);
  const entries: HubEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf("\n", at);
    if (end < 0) break;
    const line = bytes.toString("latin1", at, end);
    const [, name = "", kib, unfinished, size] =
      /^model (models--\S+) (\d{1,15}) (\d{1,9}) (\d{1,6})$/.exec(line) ?? [];
    at = end + 1;
    if (size === undefined) continue;
    const config = bytes.subarray(at, at + Number(size));
    if (config.length < Number(size)) break;
    at += config.length + 1;
    const repo = repoOf(name);
    if (repo === null) continue;
    const text = config.length === 0 ? null : config.toString("utf8");
    entries.push({ repo, bytes: Number(kib) * BYTES_PER_KIB, unfinished: Number(unfinished), config: text });
  }
  return entries;
}

/** `models--ORG--NAME` → `ORG/NAME`; a name on Hugging Face has no `--`. */
function repoOf(folder: string): string | null {
  const [, org, name] = /^models--([A-Za-z0-9][\w.-]*?)--([A-Za-z0-9][\w.-]*)$/.exec(folder) ?? [];
  return org === undefined || name?.includes("--") ? null : `${org}/${name}`;
}

/** @throws Fault 502 when something of it is left, such as files that belong to root */
export async function removeFromHub(ssh: SparkSsh, node: Node, repo: string, signal: AbortSignal): Promise<void> {
  const folder = `models--${repo.replaceAll("/", "--")}`;
  const remove = script("spark-hub-remove", REMOVE, [path(HUB), folder]);
  const { exitCode, stderr } = await ssh.exec(node, remove, signal, DEADLINE_MS);
  if (exitCode === 0) return;
  const denied = /permission denied/i.test(stderr);
  throw new Fault(
    "upstream",
    "not_deleted",
    denied
      ? `${node.user} may not delete all of ${repo} on ${node.name}: a container wrote files there that belong to root.`
      : `${repo} could not be deleted on ${node.name}.`,
    {
      node: node.name,
      evidence: stderr.slice(-300),
      // Whoever may use docker may have a container do it: nobody needs to be root on the Spark.
      advice: denied
        ? `On ${node.name}: docker run --rm -v ~/.cache/huggingface:/cache --entrypoint chown vllm-node -R $(id -u):$(id -g) /cache`
        : null,
    },
  );
}
