/** Follows one download until it is over: a look every few seconds, whatever happens to the Spark in between. */
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import type { Node } from "../topology/topology.ts";
import { type Download, isOver } from "./download.ts";
import { etaOf, Pace, progressOf } from "./progress.ts";
import { evidenceIn, ScriptLog } from "./script-log.ts";
import type { DownloadSparks, JobSeen } from "./sparks.ts";
import { COPIED, verdictOf } from "./verdict.ts";

/** A job whose start was lost may still be on its way. */
const ABSENT_LOOKS = 3;

export interface FollowerMeans {
  readonly sparks: DownloadSparks;
  readonly intervalMs: number;
  /** Milliseconds since the epoch. */
  now(): number;
  node(name: string): Node | undefined;
  /** False: one that cannot be used may only be unreadable just now. */
  isTakenOut(name: string): boolean;
  /** Something that is shown has changed. */
  onChange(download: Download): void;
  /** Keeps it. Throws while nothing can be written: it is tried again. */
  onEnd(download: Download): void;
  report(error: unknown): void;
}

export class Follower {
  #download: Download;
  readonly #log = new ScriptLog();
  readonly #paces = new Map<string, Pace>();
  readonly #closed = new AbortController();
  #offset = 0;
  #absent = 0;
  #cancelled = false;
  #loop: Promise<void> | null = null;
  #wake: () => void = () => undefined;

  constructor(
    download: Download,
    private readonly job: string,
    private readonly means: FollowerMeans,
  ) {
    this.#download = download;
    this.#cancelled = download.state === "cancelling";
  }

  get download(): Download {
    return this.#download;
  }

  start(): void {
    this.#loop ??= this.#follow();
  }

  /** As soon as the Spark can be reached. */
  cancel(): void {
    this.#cancelled = true;
    this.#show({ state: "cancelling" });
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the controller is shutting down"));
    this.#wake();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted && !isOver(this.#download)) {
      try {
        await this.#look();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) this.means.report(error);
        this.#show({ reason: error instanceof Fault ? error.message : "An internal error; it is tried again." });
      }
      if (isOver(this.#download) || signal.aborted) return;
      await this.#pause();
    }
  }

  async #look(): Promise<void> {
    const head = this.means.node(this.#download.nodes[0] ?? "");
    if (!head) return this.#unconfigured();
    const { signal } = this.#closed;
    if (this.#cancelled) {
      await this.means.sparks.kill(head, this.job, signal);
      await this.#measure();
      return this.#end({
        state: "cancelled",
        reason: null,
        advice: "What was downloaded stays: a new start goes on where this one stopped.",
      });
    }
    const seen = await this.#read(head);
    await this.#measure();
    if (this.#cancelled) return this.#look();
    const lines = this.#log.lines();
    if (seen.state === "running" || seen.state === "prepared") {
      this.#absent = 0;
      return this.#show({ state: this.#log.phase, reason: null, evidence: evidenceIn(lines) });
    }
    if (seen.state === "absent" && ++this.#absent < ABSENT_LOOKS) return;
    this.#end(verdictOf(this.#download, seen, lines));
  }

  /** The script runs on meanwhile. */
  #unconfigured(): void {
    if (!this.means.isTakenOut(this.#download.nodes[0] ?? "")) {
      const reason = "The entry of the Spark that downloads cannot be read just now.";
      this.#show({ reason, bytes_per_second: null, eta_seconds: null });
      return;
    }
    const reason = "The Spark that downloads is not configured any more.";
    const advice = "What was downloaded stays on the Spark, and the download may go on there by itself.";
    this.#end({ state: this.#cancelled ? "cancelled" : "failed", reason, advice });
  }

  /** All that the script has written since the last look. */
  async #read(head: Node): Promise<JobSeen> {
    for (;;) {
      const seen = await this.means.sparks.read(head, this.job, this.#offset, this.#closed.signal);
      this.#log.push(seen.chunk);
      this.#offset = seen.nextOffset;
      if (seen.chunk.length === 0) return seen;
    }
  }

  /** Sizes on each Spark; one that cannot be asked keeps what was seen. */
  async #measure(): Promise<void> {
    const { sparks, node, now } = this.means;
    const { nodes, repo, on_disk, total_bytes } = this.#download;
    const sizes = await Promise.all(
      nodes.map(async (name, index) => {
        const spark = node(name);
        const before = on_disk.find((each) => each.node === name)?.bytes ?? null;
        // Nothing comes to the others while the first one downloads.
        if (!spark || (index > 0 && this.#log.phase === "downloading" && on_disk.length > 0 && !this.#cancelled))
          return before;
        try {
          return await sparks.usage(spark, repo, this.#closed.signal);
        } catch (error) {
          this.#closed.signal.throwIfAborted();
          if (!(error instanceof Fault)) throw error;
          return before;
        }
      }),
    );
    const at = now();
    for (const [index, name] of nodes.entries()) this.#paceOf(name).add(at, sizes[index] ?? 0);
    const filling = this.#filling(sizes);
    const total = this.#log.phase === "copying" ? (sizes[0] ?? total_bytes) : total_bytes;
    const bytes = sizes[filling] ?? null;
    const pace = this.#paceOf(nodes[filling] ?? "").bytesPerSecond;
    this.#download = {
      ...this.#download,
      on_disk: nodes.map((name, index) => ({ node: name, bytes: sizes[index] ?? null })),
      bytes,
      progress: progressOf(sizes, total),
      bytes_per_second: pace,
      eta_seconds: etaOf(bytes, total, pace),
    };
  }

  /** Index of the Spark that gets files now. */
  #filling(sizes: readonly (number | null)[]): number {
    if (this.#log.phase === "downloading" || sizes.length < 2) return 0;
    const at = sizes.findIndex((bytes, index) => index > 0 && (bytes ?? 0) < (sizes[0] ?? 0) * COPIED);
    return at < 0 ? sizes.length - 1 : at;
  }

  #paceOf(name: string): Pace {
    const known = this.#paces.get(name) ?? new Pace();
    this.#paces.set(name, known);
    return known;
  }

  #show(over: Partial<Download>): void {
    const shown = this.#cancelled && !("ended_at" in over) ? { ...over, state: "cancelling" as const } : over;
    this.#download = { ...this.#download, ...shown };
    this.means.onChange(this.#download);
  }

  #end({ state, reason, advice }: Pick<Download, "state" | "reason" | "advice">): void {
    const ended: Download = {
      ...this.#download,
      ...{ state, reason, advice, evidence: evidenceIn(this.#log.lines()) },
      ...{ progress: state === "done" ? 1 : this.#download.progress, bytes_per_second: null, eta_seconds: null },
      ended_at: isoTime(this.means.now()),
    };
    this.means.onEnd(ended);
    this.#download = ended;
    this.means.onChange(ended);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.means.intervalMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#closed.signal.aborted) this.#wake();
    });
  }
}
