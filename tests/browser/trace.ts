/** What a page's main thread did, from Chromium's own trace, and how much memory its scripts hold. */
import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds, of a clock that only goes forward. */
  readonly ts: number;
  /** Microseconds from begin to end. */
  readonly dur?: number;
  /** Microseconds of the thread's own CPU time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

export interface MainThread {
  /** Milliseconds of CPU time of the longest task: what the page itself did, however busy the machine is. */
  readonly longestMs: number;
  /**
   * Milliseconds from begin to end of the longest task of each window with tasks, of `WINDOWS` of equal length: other
   * processes of a busy machine are in it.
   */
  readonly longestWallMs: readonly number[];
  /** Tasks that were traced. */
  readonly tasks: number;
  /** Milliseconds of all of them together. */
  readonly busyMs: number;
}

/** So many parts a trace is cut into. */
const WINDOWS = 20;

/** Traces the page's renderer while `work` goes on. */
export async function traceMainThread(browser: Browser, page: Page, work: () => Promise<void>): Promise<MainThread> {
  await browser.startTracing(page, { categories: ["toplevel", "__metadata", "disabled-by-default-devtools.timeline"] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) => ph === "X" && /RunTask$/.test(name) && main.has(`${pid} ${tid}`),
  );
  if (tasks.length === 0) throw new Error("the trace has no task of a renderer's main thread");
  if (tasks.every(({ tdur }) => tdur === undefined)) throw new Error("the trace has no CPU times");
  const durations = tasks.map(({ tdur = 0 }) => tdur / 1000);
  return {
    longestMs: Math.max(...durations),
    longestWallMs: longestByWindow(tasks),
    tasks: tasks.length,
    busyMs: durations.reduce((sum, each) => sum + each, 0),
  };
}

function longestByWindow(tasks: readonly TraceEvent[]): number[] {
  const starts = tasks.map(({ ts }) => ts);
  const first = starts.reduce((least, ts) => Math.min(least, ts));
  const length = (starts.reduce((most, ts) => Math.max(most, ts)) - first + 1) / WINDOWS;
  const longest = new Map<number, number>();
  for (const { ts, dur = 0 } of tasks) {
    const at = Math.floor((ts - first) / length);
    longest.set(at, Math.max(longest.get(at) ?? 0, dur / 1000));
  }
  return [...longest.values()];
}

/** Megabytes (10^6) that scripts hold after a garbage collection, and the elements of the document. */
export async function heapOf(page: Page): Promise<{ readonly mb: number; readonly nodes: number }> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { mb: usedSize / 1e6, nodes };
  } finally {
    await session.detach();
  }
}
