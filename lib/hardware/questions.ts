/** What a Spark is asked for its card: one round trip, nothing of it needs more rights than a login. */
import { type BatchAnswer, command, path, type ShellCommand } from "../ssh/quote.ts";
import { GPU_FIELDS } from "./parse.ts";

/** A driver in trouble can let nvidia-smi hang; the rest of the card is not to wait for it. */
const SMI = ["timeout", "3", "nvidia-smi"] as const;
const CSV = "--format=csv,noheader,nounits";

const QUESTIONS = {
  gpu: command([...SMI, `--query-gpu=${GPU_FIELDS.join(",")}`, CSV]),
  gpuProcesses: command([...SMI, "--query-compute-apps=pid,process_name,used_memory", CSV]),
  memory: command(["cat", "/proc/meminfo"]),
  cpu: command(["cat", "/proc/stat"]),
  load: command(["cat", "/proc/loadavg"]),
  uptime: command(["cat", "/proc/uptime"]),
  /** The disk that holds the models; a Spark that never had one has no such folder, and the home folder tells. */
  cacheDisk: command(["df", "-Pk", path("~/.cache/huggingface")]),
  homeDisk: command(["df", "-Pk", path("~")]),
  interfaces: command(["ip", "-d", "-j", "addr"]),
  /** For an `ip` without JSON. */
  interfacesText: command(["ip", "addr"]),
  processes: command(["ps", "-e", "-o", "pid,rss,args"]),
} as const satisfies Readonly<Record<string, ShellCommand>>;

type Question = keyof typeof QUESTIONS;
const ORDER = Object.keys(QUESTIONS) as readonly Question[];

/** In the order in which `answersIn` takes the answers. */
export const COMMANDS: readonly ShellCommand[] = ORDER.map((question) => QUESTIONS[question]);

/** What was said; an answer that is missing because the output was cut off is empty. */
export type Answers = Readonly<Record<Question, string>>;

export function answersIn(answers: readonly Pick<BatchAnswer, "output">[]): Answers {
  return Object.fromEntries(ORDER.map((question, index) => [question, answers[index]?.output ?? ""])) as Answers;
}
