/** Detached jobs over SSH: start, read, kill, list. What happens on the Spark is in remote-scripts.ts. */
import { Fault } from "../fault.ts";
import { SshError, targetName } from "./errors.ts";
import { execOk, exitCodeError } from "./exec-ok.ts";
import { fenced } from "./fence.ts";
import type { DetachedJobs, JobReading, JobSpec, JobState } from "./jobs.ts";
import { path, type ShellCommand, script, type Word } from "./quote.ts";
import {
  EXIT_FENCED,
  EXIT_NO_FOLDER,
  LOG_HEAD_BYTES,
  LOG_TAIL_BYTES,
  SCRIPTS,
  type ScriptName,
} from "./remote-scripts.ts";
import type { ExecResult, Ssh, SshTarget } from "./ssh.ts";

export interface LogCap {
  /** Bytes kept from the start of a log and from its end. */
  readonly headBytes: number;
  readonly tailBytes: number;
}

const HEADER_BYTES = 512;
const LIST_BYTES = 4 * 1024 * 1024;
const STATES: ReadonlySet<string> = new Set<JobState>([
  "absent",
  "prepared",
  "running",
  "exited",
  "vanished",
  "rebooted",
]);

/** @param cap how much of a job's log a node keeps; default: the first 4 and the last 60 MiB */
export function createDetachedJobs(
  ssh: Pick<Ssh, "exec">,
  cap: LogCap = { headBytes: LOG_HEAD_BYTES, tailBytes: LOG_TAIL_BYTES },
): DetachedJobs {
  return {
    async start(target, spec, options) {
      const result = await ssh.exec(target, startCommand(spec), options);
      const answer = result.stdout.trim();
      if (result.exitCode === EXIT_FENCED) throw fenced(target, answer);
      if (result.exitCode === EXIT_NO_FOLDER) {
        const message = `The folder ${spec.cwd} does not exist on ${targetName(target)}.`;
        throw new SshError("exit_code", target, message, { members: { exit_code: EXIT_NO_FOLDER } });
      }
      if (result.exitCode !== 0) throw exitCodeError(target, "Starting a job", result);
      if (answer !== "started" && answer !== "existed") throw notUnderstood(target, "spark-job-start");
      return { existed: answer === "existed" };
    },

    async read(target, id, { offset, maxBytes, ...options }) {
      const args = [jobId(id), count(offset), count(maxBytes), count(cap.headBytes), count(cap.tailBytes)];
      const result = await execOk(ssh, target, named("spark-job-read", args), {
        ...options,
        maxBytes: maxBytes + HEADER_BYTES,
        what: "Reading a job",
      });
      return reading(target, result, offset);
    },

    async kill(target, id, { fence, ...options }) {
      const args = fence ? [jobId(id), count(fence.generation), fence.instance] : [jobId(id)];
      const result = await ssh.exec(target, named("spark-job-kill", args), options);
      if (result.exitCode === EXIT_FENCED) throw fenced(target, result.stdout);
      if (result.exitCode !== 0) throw exitCodeError(target, "Killing a job", result);
    },

    async list(target, options) {
      const what = "Listing the jobs";
      const call = { ...options, maxBytes: LIST_BYTES, what };
      const { stdout } = await execOk(ssh, target, named("spark-job-list", []), call);
      return stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [id, generation, state] = line.split(" ");
          if (id === undefined || !isState(state)) throw notUnderstood(target, "spark-job-list");
          return { id, generation: Number(generation), state };
        });
    },
  };
}

function named(name: ScriptName, args: readonly Word[]): ShellCommand {
  return script(name, SCRIPTS[name], args);
}

/** The command that `start` sends. Environment variables travel as `env NAME=value` before the argv. @throws Fault */
export function startCommand(spec: JobSpec): ShellCommand {
  const [program] = spec.argv;
  const env = Object.entries(spec.env);
  if (program === undefined || program === "" || program.startsWith("-") || (env.length > 0 && program.includes("="))) {
    throw new Fault(
      "invalid",
      "job_invalid",
      "A job's program must be a name or path that is not an option or assignment.",
    );
  }
  for (const [name] of env) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new Fault("invalid", "job_invalid", "The name of an environment variable has only letters, digits and _.");
    }
  }
  if (!/^[0-9a-fA-F-]{1,64}$/.test(spec.instance)) {
    throw new Fault("invalid", "job_invalid", "The instance id of the controller is not a UUID.");
  }
  const argv = env.length === 0 ? spec.argv : ["env", ...env.map(([name, value]) => `${name}=${value}`), ...spec.argv];
  return named("spark-job-start", [jobId(spec.id), count(spec.generation), spec.instance, path(spec.cwd), ...argv]);
}

function jobId(id: string): string {
  if (/^[a-z0-9-]{1,80}$/.test(id)) return id;
  throw new Fault("invalid", "job_invalid", "A job id has 1 to 80 characters of a-z, 0-9 and -.");
}

function count(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new Fault("invalid", "job_invalid", "A count for a job must be a whole number, not below 0.");
}

function isState(text: string | undefined): text is JobState {
  return text !== undefined && STATES.has(text);
}

function notUnderstood(target: SshTarget, name: ScriptName): SshError {
  return new SshError("unknown", target, `${targetName(target)} gave an answer to ${name} that cannot be understood.`);
}

function reading(target: SshTarget, result: ExecResult, offset: number): JobReading {
  const bytes = Buffer.from(result.stdoutBytes);
  const end = bytes.indexOf("\n\n");
  const lines = bytes
    .toString("latin1", 0, Math.max(end, 0))
    .split("\n")
    .map((line): [string, string] => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]);
  const header = new Map(lines);
  const number = (name: string): number | null => {
    const text = header.get(name) ?? "-";
    return /^\d+$/.test(text) ? Number(text) : null;
  };
  const state = header.get("state");
  const [logSize, start] = [number("size"), number("start")];
  if (end < 0 || !isState(state) || logSize === null || start === null) throw notUnderstood(target, "spark-job-read");
  const chunk = Uint8Array.from(bytes.subarray(end + 2));
  return {
    state,
    exitCode: number("exit"),
    pid: number("pid"),
    generation: number("generation"),
    chunk,
    nextOffset: start + chunk.length,
    skipped: Math.max(0, start - offset),
    logSize,
  };
}
