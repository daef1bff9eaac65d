/**
 * Follows a load until the model answers or has failed. Two loops: the logs and the processes over SSH, the port over
 * HTTP. Whether a silent load is alive is told by `docker top`, then the log, then the launcher's exit code: a launcher
 * may end while its model lives, and a model may die while its launcher and container stay.
 */
import { Fault } from "../../fault.ts";
import { failureOf } from "../facts.ts";
import { failure } from "../failure.ts";
import { LoadClock } from "../load-clock.ts";
import { endOfLoad } from "../load-end.ts";
import type { MachineEvent } from "../machine.ts";
import { advance, LOAD_BEGINS } from "../phases.ts";
import { type LogReading, RemoteLog } from "../remote-log.ts";
import type { EffectBody, Run } from "../run.ts";
import { attempt, mustStillObey, nodesOf, pause } from "../run.ts";
import { servesModel } from "../served.ts";

/** How long a container's log may lag behind its port. */
const LATE_LOG_MS = 2_000;
/** How long a connection that was cut just then is waited for: SSH tries anew after 5 s at most. */
const CUT_LOG_MS = 8_000;

export const follow: EffectBody = async (run, leg, signal) => {
  const log = new RemoteLog(run.control, nodesOf(run, leg), attempt(run, leg).launchId, run.beginReading());
  const stopped = new AbortController();
  const both = AbortSignal.any([signal, stopped.signal]);
  const loops = [followLog(run, leg, log, both), untilAnswering(run, leg, both)];
  const ended = Promise.allSettled(loops);
  const event = await Promise.race(loops).finally(() => {
    stopped.abort(new Error("the other loop of this load has an answer"));
    return ended;
  });
  if (event.type === "answering") await readRest(run, log, signal);
  return event;
};

/**
 * What was written up to the first answer: the log that is kept must tell the whole load. A container's log comes by
 * `docker logs -f`, a moment after the port has opened: the end of a load that began in the log is waited for.
 */
async function readRest(run: Run, log: RemoteLog, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  while (true) {
    try {
      const reading = await log.read(signal);
      for (const segment of reading.segments) if (segment.final) run.logRemote(segment);
      if (reading.more) continue;
      const { phase } = run.tail().reduce(advance, LOAD_BEGINS);
      if (phase === "serving" || phase === LOAD_BEGINS.phase || Date.now() - began > LATE_LOG_MS) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      // A connection that was cut in this moment is made anew.
      if (Date.now() - began > CUT_LOG_MS)
        return run.log(`The end of the log could not be read: ${failureOf(error).message}`);
    }
    await pause(run.timing.probeMs, signal);
  }
}

/** Ends when the model lists itself under its expected name. @throws Fault `fenced`: another controller's does */
async function untilAnswering(run: Run, leg: "forward" | "rollback", signal: AbortSignal): Promise<MachineEvent> {
  const nodes = nodesOf(run, leg);
  const [head] = nodes;
  const { model } = attempt(run, leg);
  while (true) {
    const address = await run.control.address(head, signal).catch((error) => {
      signal.throwIfAborted();
      if (error instanceof Fault) return null;
      throw error;
    });
    if (address !== null) {
      const url = `http://${address}:${run.order.slot.port}/v1/models`;
      if (servesModel(await run.control.get(url, run.timing.httpDeadlineMs, signal), model)) {
        await mustStillObey(run, nodes, signal).catch((error) => {
          if (signal.aborted || !(error instanceof Fault) || isRefusal(error)) throw error;
        });
        return { type: "answering" };
      }
    }
    await pause(run.timing.probeMs, signal);
  }
}

/** Anything else that a Spark says, or does not say, leaves open whom it obeys. */
const isRefusal = (error: unknown): boolean => error instanceof Fault && error.code === "fenced";

/** Ends only when the load has failed. @throws Fault `fenced` */
async function followLog(
  run: Run,
  leg: "forward" | "rollback",
  log: RemoteLog,
  signal: AbortSignal,
): Promise<MachineEvent> {
  const nodes = nodesOf(run, leg);
  const watch = new ProcessWatch(run, nodes);
  const clock = new LoadClock(run.loadTimes);
  // What was written before this controller began to read tells nothing new.
  let hasCaughtUp = run.loadTimes.watchedMs === 0;
  let progress = LOAD_BEGINS;
  /** When the Sparks last answered, on that clock. */
  let contact = run.loadTimes.watchedMs;
  const seen = new Set<string>();
  while (true) {
    let reading: LogReading;
    let dead: string | null;
    try {
      reading = await log.read(signal);
      for (const segment of reading.segments) {
        const isWritten = segment.final && run.logRemote(segment);
        const next = advance(progress, segment.text);
        const tells = isNews(segment.text, seen) || next !== progress;
        if (tells && (hasCaughtUp || isWritten)) clock.heard();
        progress = next;
      }
      run.watched(clock.tick());
      run.progress(progress);
      dead = await watch.dead(reading, signal);
      contact = clock.tick().watchedMs;
      run.waitsFor(null);
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusal(error)) throw error;
      const reason = failureOf(error);
      const { watchedMs } = clock.tick();
      if (watchedMs - contact > run.timing.contactDeadlineMs) return { type: "failed", failure: reason };
      run.waitsFor(reason);
      run.log(`${reason.message} Looking again.`);
      await pause(run.timing.followMs * 5, signal);
      continue;
    }
    if (reading.more) continue;
    // Told by the log keeper of each node: a worker whose vLLM was never seen would count as starting for ever.
    if (reading.rebooted !== null || dead !== null) {
      const { container } = run.order.slot;
      const ended = endOfLoad(container, { ...reading, dead, killedOn: watch.killedOn, lines: run.tail() });
      if (ended) return { type: "failed", failure: ended };
    }
    hasCaughtUp = true;
    const { watchedMs, quietMs } = clock.tick();
    const { stall_seconds, load_limit_seconds } = run.settings();
    if (quietMs > stall_seconds * 1000) return { type: "failed", failure: stalled(run, stall_seconds) };
    if (watchedMs > load_limit_seconds * 1000) return { type: "failed", failure: tooLong(run, load_limit_seconds) };
    await pause(run.timing.followMs, signal);
  }
}

/** A stuck load repeats itself; the same text with other figures is no news. */
function isNews(text: string, seen: Set<string>): boolean {
  const shape = text.replace(/\d+/g, "#");
  if (text === "" || seen.has(shape) || seen.size > 50_000) return false;
  seen.add(shape);
  return true;
}

/** Tells whether the vLLM of this load is gone. What runs is its own only while the Sparks obey this controller. */
class ProcessWatch {
  readonly #seen = new Set<string>();
  #missing = 0;
  #nextLook = 0;
  #killedOn: string | null = null;

  constructor(
    private readonly run: Run,
    private readonly nodes: ReturnType<typeof nodesOf>,
  ) {}

  /** Name of a node whose kernel has killed it for memory, as far as docker has said so. */
  get killedOn(): string | null {
    return this.#killedOn;
  }

  /** What shows that it is dead; null while it lives, or may. @throws Fault `fenced` */
  async dead(reading: LogReading, signal: AbortSignal): Promise<string | null> {
    const launcherRuns = reading.launcher.state === "running" || reading.launcher.state === "prepared";
    // While the launcher runs, a look now and then is enough; once it has ended every round counts.
    if (launcherRuns && Date.now() < this.#nextLook) return null;
    this.#nextLook = Date.now() + this.run.timing.lookMs;
    await mustStillObey(this.run, this.nodes, signal);
    const views = await Promise.all(
      this.nodes.map(async (node) => ({ node, view: await this.run.control.look(node, this.run.order.slot, signal) })),
    );
    for (const { node, view } of views) if (view.vllm.length > 0) this.#seen.add(node.name);
    // A node that has not shown a vLLM yet is starting; with Ray a worker's processes may never be called vLLM.
    const gone = views.filter(
      ({ node, view }, index) =>
        view.vllm.length === 0 && (this.#seen.has(node.name) || (index === 0 && !launcherRuns)),
    );
    // Its container may be gone at the next look, and what docker knows of it.
    this.#killedOn ??= gone.find(({ view }) => view.container?.outOfMemory)?.node.name ?? null;
    // Twice in a row: a process list may be read in the instant between two processes.
    this.#missing = gone.length === 0 ? 0 : this.#missing + 1;
    if (gone.length > 0) this.#nextLook = 0;
    if (this.#missing < 2) return null;
    return gone.map(({ node }) => `docker top on ${node.name} shows no vLLM`).join("; ");
  }
}

function stalled(run: Run, seconds: number) {
  const last = run.tail().findLast((line) => line.trim() !== "") ?? "nothing was logged";
  return failure(
    "stalled",
    `No progress for ${duration(seconds)}.`,
    `last line: ${last}`,
    "Swap again; if it stops at the same place, read the log there. A stuck weight loader often helps itself with another load format.",
  );
}

function tooLong(run: Run, seconds: number) {
  const last = run.tail().findLast((line) => line.trim() !== "") ?? "nothing was logged";
  return failure(
    "load_limit",
    `Not ready after ${duration(seconds)}.`,
    `last line: ${last}`,
    "Raise load_limit_seconds if this model needs longer.",
  );
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}
