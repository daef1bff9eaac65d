/** Streams that are told the same: each message is serialised once, however many listen. */
import type { SseStream } from "./sse.ts";
import type { SseMessage } from "./sse-frame.ts";

export class Broadcast {
  readonly #streams = new Set<SseStream>();

  /**
   * @param everyMs how often, while somebody listens, `beat` is called
   * @param beat    what is due regularly
   */
  constructor(
    private readonly everyMs: number,
    private readonly beat: () => void,
  ) {}

  #timer: ReturnType<typeof setInterval> | undefined;

  get size(): number {
    return this.#streams.size;
  }

  /** @returns how to take it out again */
  add(stream: SseStream): () => void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(this.beat, this.everyMs);
    return () => {
      this.#streams.delete(stream);
      if (this.#streams.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** A stream whose reader is stuck drops itself; the others are told all the same. */
  send(message: SseMessage): void {
    for (const stream of [...this.#streams]) stream.send(message);
  }
}
