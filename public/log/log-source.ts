/**
 * Keeps a buffer level with the log of a swap: told that the log has grown, it fetches what is new, at most four times a
 * second; paused, it fetches nothing and counts. So a log of any length and speed costs the page the same.
 */
import { logGrowth, MISSED } from "./growth.ts";
import { LineBuffer, type LogLine } from "./line-buffer.ts";
import type { LineSource, SourceEvents } from "./line-source.ts";
import { LINES_A_PAGE, readPage } from "./log-pages.ts";

export const MOST_LINES = 10_000;
const FLUSH_MS = 250;

export class LogSource implements LineSource {
  readonly buffer = new LineBuffer(MOST_LINES);
  #known = 0;
  #isPaused = false;
  #isMissing = false;
  #isBusy = false;
  #flush: ReturnType<typeof setTimeout> | undefined;
  readonly #over = new AbortController();

  constructor(
    private readonly job: string,
    private readonly events: SourceEvents,
  ) {
    const { signal } = this.#over;
    logGrowth.addEventListener(job, (event) => this.#grown((event as CustomEvent<number>).detail), { signal });
    logGrowth.addEventListener(MISSED, () => this.#schedule(), { signal });
    void this.#pull();
  }

  close(): void {
    this.#over.abort();
    clearTimeout(this.#flush);
  }

  /** There is no such log, or it is not kept any more. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** Lines that are there and were not fetched because of the pause. */
  get waiting(): number {
    return Math.max(0, this.#known - this.buffer.last);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(value: boolean) {
    this.#isPaused = value;
    if (!value) void this.#pull();
  }

  #grown(lastSeq: number): void {
    this.#known = Math.max(this.#known, lastSeq);
    if (this.#isPaused) this.events.onChange();
    else this.#schedule();
  }

  #schedule(): void {
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      void this.#pull();
    }, FLUSH_MS);
  }

  async #pull(): Promise<void> {
    if (this.#isBusy || this.#isPaused) return;
    this.#isBusy = true;
    try {
      const isFarBehind = this.#known - this.buffer.last > MOST_LINES;
      const isFirst = this.buffer.last === 0;
      const page = await readPage(this.job, isFirst || isFarBehind ? {} : { after: this.buffer.last });
      if (this.#over.signal.aborted) return;
      this.#isMissing = page === null;
      if (page && page.lines.length > 0) this.#take(page.lines, page.last_seq);
      if (isFirst || isFarBehind) await this.#fillUp();
    } catch {
      // The next growth, or the next snapshot, tries again.
    } finally {
      this.#isBusy = false;
    }
    if (this.#over.signal.aborted) return;
    this.events.onChange();
    if (this.waiting > 0 && !this.#isMissing) this.#schedule();
  }

  #take(lines: readonly LogLine[], lastSeq: number): void {
    this.#known = Math.max(this.#known, lastSeq);
    this.buffer.append(lines);
    this.events.onLines(lines);
  }

  /** What came before, as far as there is room. */
  async #fillUp(): Promise<void> {
    while (this.buffer.skipped > 0 && this.buffer.lines.length + LINES_A_PAGE <= MOST_LINES) {
      const page = await readPage(this.job, { before: this.buffer.first });
      if (this.#over.signal.aborted || !page || this.buffer.prepend(page.lines) === 0) return;
      this.events.onLines([]);
    }
  }
}
