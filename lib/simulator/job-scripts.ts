/** The named scripts that the controller runs on a Spark, by what docs/ARCHITECTURE.md says of them. */

import { updateBot } from "./bot.ts";
import { listHub, removeFromHub } from "./hub-scripts.ts";
import { type Invocation, type Program, sh } from "./invocation.ts";
import { type Job, jobState } from "./jobs.ts";

const EXIT_USAGE = 64;
const EXIT_NO_FOLDER = 72;
const EXIT_NOT_WRITABLE = 73;
const EXIT_FENCED = 75;
const KEEPER_WAIT_SECONDS = 600;

/** Runs a job's argv; given by whoever knows the programs. */
export type RunArgv = (call: Invocation) => Promise<number>;

function state(call: Invocation, job: Job | undefined): string {
  return jobState(job, call.spark.bootId, (pid) => call.spark.processes.get(pid) !== undefined);
}

function spawn(call: Invocation, job: Job, cwd: string, run: RunArgv): void {
  const { spark } = call;
  const write = (data: string | Uint8Array) => {
    job.log.append(data);
    spark.changes.notify();
  };
  const { process, exited } = spark.processes.spawn(
    { argv: ["sh", "-c", "RUNNER", "spark-job", ...job.argv] },
    (self) =>
      run({
        ...call,
        argv: job.argv,
        env: {},
        cwd,
        stdio: { out: write, err: write },
        signal: self.signal,
        process: self,
      }),
  );
  job.process = { pid: process.pid, bootId: spark.bootId };
  void exited.then((code) => {
    // A runner that was killed writes no exit code.
    if (!process.signal.aborted) job.exitCode = code;
    spark.changes.notify();
  });
}

/** Refuses another controller and an older generation; remembers the newest, if there is room. @returns exit code; 0: it is passed */
function passFence(call: Invocation, generationText: string, instance: string): number {
  const { jobs, faults, name } = call.spark;
  const generation = Number(generationText);
  const fenced = (what: string) => {
    call.stdio.out(`fenced ${what}\n`);
    return EXIT_FENCED;
  };
  if (jobs.instance !== null && jobs.instance !== instance) return fenced(`instance ${jobs.instance}`);
  if (generation < jobs.generation) return fenced(`generation ${jobs.generation}`);
  if (generation > jobs.generation && faults.pending("disk_full", name))
    return sh(call, "printf: write error: No space left on device", EXIT_NOT_WRITABLE);
  jobs.instance = instance;
  jobs.generation = generation;
  return 0;
}

/** @param args generation, instance, seconds of grace, container */
async function fencedStop(call: Invocation, args: readonly string[], run: RunArgv): Promise<number> {
  const [generation = "", instance = "", grace = "", container = ""] = args;
  const refused = passFence(call, generation, instance);
  if (refused) return refused;
  const code = await run({ ...call, argv: ["docker", "stop", "-t", grace, container] });
  const silent = { out: () => undefined, err: () => undefined };
  await run({ ...call, argv: ["docker", "rm", container], stdio: silent });
  return code;
}

/** @param args id, generation, instance, cwd, argv… */
function start(call: Invocation, args: readonly string[], run: RunArgv): number {
  const [id = "", generationText = "", instance = "", cwd = "", ...argv] = args;
  const { jobs, files, faults, name } = call.spark;
  if (!/^[a-z0-9-]+$/.test(id)) return sh(call, "not a job id", EXIT_USAGE);
  const folder = cwd.startsWith("/") ? cwd : `${call.cwd}/${cwd}`;
  if (!files.isFolder(folder)) return sh(call, `no such folder: ${cwd}`, EXIT_NO_FOLDER);
  if (faults.strikes("disk_full", name)) {
    return sh(
      call,
      `mkdir: cannot create directory '${call.cwd}/.spark-control/jobs/${id}': No space left on device`,
      EXIT_NOT_WRITABLE,
    );
  }
  const refused = passFence(call, generationText, instance);
  if (refused) return refused;
  if (jobs.get(id)) {
    call.stdio.out("existed\n");
    return 0;
  }
  spawn(call, jobs.create(id, Number(generationText), argv), folder, run);
  call.stdio.out("started\n");
  return 0;
}

/** @param args id, offset, max bytes */
function read(call: Invocation, args: readonly string[]): number {
  const [id = "", offset = "0", maxBytes = "0"] = args;
  const job = call.spark.jobs.get(id);
  const size = job?.log.size ?? 0;
  const from = Math.min(Number(offset), size);
  const fields = [
    `state ${state(call, job)}`,
    `exit ${job?.exitCode ?? "-"}`,
    `pid ${job?.process?.pid ?? "-"}`,
    `generation ${job?.generation ?? "-"}`,
    `size ${size}`,
    `start ${from}`,
  ];
  call.stdio.out(`${fields.join("\n")}\n\n`);
  if (job) call.stdio.out(job.log.slice(from, Number(maxBytes)));
  return 0;
}

function kill(call: Invocation, args: readonly string[]): number {
  const [, generation = "", instance] = args;
  const refused = instance === undefined ? 0 : passFence(call, generation, instance);
  if (refused) return refused;
  const job = call.spark.jobs.get(args[0] ?? "");
  const { processes, bootId } = call.spark;
  const process = job?.process?.bootId === bootId ? processes.get(job.process.pid) : undefined;
  if (process) processes.killGroup(process.group);
  call.stdio.out(process ? "killed\n" : "not running\n");
  return 0;
}

/** Reverse order of names: ids begin with a UUIDv7, so newest first. */
function list(call: Invocation): number {
  const jobs = [...call.spark.jobs.newestFirst()].sort((a, b) => (a.id < b.id ? 1 : -1));
  for (const job of jobs) call.stdio.out(`${job.id} ${job.generation} ${state(call, job)}\n`);
  return 0;
}

/** Two lines: the instance (empty when none) and the highest generation. */
function readFence(call: Invocation): number {
  const { instance, generation } = call.spark.jobs;
  call.stdio.out(`${instance ?? ""}\n${generation}\n`);
  return 0;
}

/** @param args expected instance, new instance */
function takeOver(call: Invocation, args: readonly string[]): number {
  const [expected = "", instance = ""] = args;
  const { jobs } = call.spark;
  if (jobs.instance !== null && jobs.instance !== expected && jobs.instance !== instance) {
    call.stdio.out(`fenced instance ${jobs.instance}\n`);
    return EXIT_FENCED;
  }
  jobs.instance = instance;
  call.spark.changes.notify();
  return 0;
}

/** @param args container [, seconds to wait for it] */
async function keepLog(call: Invocation, args: readonly string[]): Promise<number> {
  const [name = "", seconds = String(KEEPER_WAIT_SECONDS)] = args;
  const { docker, changes, scheduler } = call.spark;
  const deadline = scheduler.now() + Number(seconds);
  const wake = scheduler.after(Number(seconds), () => changes.notify());
  await changes.when(() => docker.find(name) !== undefined || scheduler.now() >= deadline, call.signal);
  wake();
  const container = docker.find(name);
  if (!container) {
    call.stdio.out(`container ${name} did not appear within ${seconds} s\n`);
    return 1;
  }
  const unfollow = container.log.follow((bytes) => call.stdio.out(bytes));
  try {
    await changes.when(() => docker.find(name) !== container, call.signal);
  } finally {
    unfollow();
  }
  return 0;
}

/** The programs behind `sh -c TEXT NAME ARG…`, by NAME. */
export function namedScripts(run: RunArgv): Readonly<Record<string, Program>> {
  const args = (call: Invocation) => call.argv.slice(4);
  return {
    "spark-job-start": (call) => start(call, args(call), run),
    "spark-job-read": (call) => read(call, args(call)),
    "spark-job-kill": (call) => kill(call, args(call)),
    "spark-job-list": (call) => list(call),
    "spark-fence-read": readFence,
    "spark-fence-take-over": (call) => takeOver(call, args(call)),
    "spark-fenced-stop": (call) => fencedStop(call, args(call), run),
    "spark-hub-list": (call) => listHub(call),
    "spark-hub-remove": (call) => removeFromHub(call, args(call)),
    "spark-bot-update": updateBot(args),
    "spark-log-keeper": (call) => keepLog(call, args(call)),
  };
}
