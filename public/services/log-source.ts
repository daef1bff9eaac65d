/** Keeps a buffer level with the log of a service's container: told by the stream that the server reads it with, while somebody looks. */
import { sentenceOf } from "../api.ts";
import { LineBuffer, type LogLine } from "../log/line-buffer.ts";
import type { LineSource, SourceEvents } from "../log/line-source.ts";
import { place } from "../router.ts";
import { effect, signal } from "../store.ts";
import { fetchServiceLog, logStreamOf } from "./calls.ts";

const MOST_LINES = 10_000;
const TAIL = 1_000;
const RETRY_MS = 5_000;
const CUT = "The connection to this log is cut. It is made again; what comes meanwhile is not lost.";

interface Told {
  readonly lines: readonly { readonly at: string; readonly line: string }[];
  readonly gap: boolean;
  readonly trouble: string | null;
}

export class ServiceLogSource implements LineSource {
  readonly buffer = new LineBuffer(MOST_LINES);
  readonly isMissing = false;
  /** Why nothing comes at the moment. */
  readonly trouble = signal<string | null>(null);
  #isPaused = false;
  /** What came while it was paused. */
  #held: LogLine[] = [];
  #stream: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #over = new AbortController();
  readonly #stop: () => void;

  constructor(
    private readonly name: string,
    private readonly events: SourceEvents,
  ) {
    document.addEventListener("visibilitychange", () => this.#look(), { signal: this.#over.signal });
    this.#stop = effect(() => this.#look());
  }

  close(): void {
    this.#over.abort();
    this.#stop();
    this.#cut();
  }

  get waiting(): number {
    return this.#held.length;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set isPaused(value: boolean) {
    this.#isPaused = value;
    if (value || this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#show(held);
  }

  /** Each reader costs the Spark a look a second, and the browser one of its six connections: none where nobody looks. */
  #look(): void {
    const isSeen = place.value.page.id === "services" && !document.hidden;
    if (!isSeen) this.#cut();
    else if (!this.#stream && this.#retry === undefined) this.#open();
  }

  #cut(): void {
    this.#stream?.close();
    this.#stream = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #open(): void {
    const stream = new EventSource(logStreamOf(this.name, TAIL));
    this.#stream = stream;
    // The browser makes a cut one anew by itself, and then the last lines come again.
    let isFirst = true;
    stream.addEventListener("open", () => {
      isFirst = true;
      this.trouble.value = null;
    });
    stream.addEventListener("log", ({ data }: MessageEvent<string>) => {
      const told = JSON.parse(data) as Told;
      this.trouble.value = told.trouble;
      if (told.trouble !== null) return;
      this.#take(told, isFirst);
      isFirst = false;
    });
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) this.trouble.value = CUT;
      else if (this.#stream === stream) void this.#refused();
    });
  }

  /** A stream does not say why it is refused; the same question without one does. */
  async #refused(): Promise<void> {
    this.#cut();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#look();
    }, RETRY_MS);
    try {
      await fetchServiceLog(this.name, 1);
      this.trouble.value = CUT;
    } catch (error) {
      this.trouble.value = sentenceOf(error);
    }
  }

  #take({ lines, gap }: Told, isFirst: boolean): void {
    const known = this.#held.at(-1) ?? this.buffer.lines.at(-1);
    let fresh = lines;
    let isTorn = gap;
    if (isFirst && known) {
      const at = lines.findLastIndex((each) => each.at === known.at && each.line === known.line);
      fresh = lines.slice(at + 1);
      isTorn = at < 0 && lines.length > 0;
    }
    let seq = known?.seq ?? 0;
    const numbered = fresh.map(({ at, line }): LogLine => ({ seq: ++seq + Number(isTorn), at, source: "", line }));
    const [first] = numbered;
    if (isTorn && first)
      numbered.unshift({ seq: first.seq - 1, at: first.at, source: "controller", line: "Lines are missing here." });
    if (numbered.length === 0 && !isFirst) return;
    if (this.#isPaused) {
      this.#held = [...this.#held, ...numbered].slice(-MOST_LINES);
      this.events.onChange();
    } else this.#show(numbered);
  }

  #show(fresh: readonly LogLine[]): void {
    this.buffer.append(fresh);
    this.events.onLines(fresh);
  }
}
