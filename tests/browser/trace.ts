/** What a page's main thread did, from Chromium's own trace, and how much memory its scripts hold. */
import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds from begin to end. */
  readonly dur?: number;
  /** Microseconds of the thread's own CPU time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

export interface MainThread {
  /** Milliseconds of CPU time of the longest task: what the page itself did, however busy the machine is. */
  readonly longestMs: number;
  /** Milliseconds from its begin to its end: other processes of a busy machine are in it. */
  readonly longestWallMs: number;
  /** Tasks that were traced. */
  readonly tasks: number;
  /** Milliseconds of all of them together. */
  readonly busyMs: number;
}

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
    longestWallMs: Math.max(...tasks.map(({ dur = 0 }) => dur / 1000)),
    tasks: tasks.length,
    busyMs: durations.reduce((sum, each) => sum + each, 0),
  };
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
