/**
 * One request that is sent anew while it still waits for its answer. The server gives each that it hears the place in line of the one
 * before, and answers that one `superseded`; so none is ended before: the place would be lost.
 */
import { type AnyAnswer, answered } from "./answered.ts";

export interface Sent<Answer> {
  /** Milliseconds, monotonic. */
  readonly sentMs: number;
  /** Null when it was not answered, and may have been granted all the same. */
  readonly answer: Promise<Answer | null>;
}

export class Repeats<Answer extends AnyAnswer> {
  readonly #open = new Map<Sent<Answer>, AbortController>();
  #newest: Sent<Answer> | null = null;
  #isLost = false;
  #granted: { readonly data: NonNullable<Answer["data"]>; readonly sentMs: number } | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param patienceMs how long the newest is waited for once an older one has brought the grant
   * @param signal ends all of them
   */
  constructor(
    private readonly ask: (wait: number, fetch: { readonly signal: AbortSignal }) => Promise<Answer>,
    private readonly patienceMs: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** @param wait seconds that the server may let it wait */
  send(wait: number, limitMs: number): Sent<Answer> {
    const over = new AbortController();
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(limitMs)));
    const sentMs = performance.now();
    const answer = answered((fetch) => this.ask(wait, fetch), this.signal, over.signal, limit).then((answer) => {
      this.#open.delete(sent);
      this.#isLost ||= answer === null;
      if (answer?.data && sent !== this.#newest) this.#overtaken(answer.data, sentMs);
      return answer;
    });
    const sent = { sentMs, answer };
    this.#open.set(sent, over);
    this.#newest = sent;
    return sent;
  }

  /**
   * What an older one than the newest has brought. The newest has not been heard, or is told a new token of the same grant, and the
   * old one opens nothing any more: its answer comes first, or that of another repeat.
   */
  get granted(): { readonly data: NonNullable<Answer["data"]>; readonly sentMs: number } | null {
    return this.#granted;
  }

  /** Whether there is one of which nobody knows what became of it. */
  get isUnsure(): boolean {
    return this.#isLost || this.#open.size > 0;
  }

  /** Ends those that are open. */
  close(): void {
    clearTimeout(this.#patience);
    for (const over of this.#open.values()) over.abort();
  }

  #overtaken(data: NonNullable<Answer["data"]>, sentMs: number): void {
    this.#granted = { data, sentMs };
    const newest = this.#newest && this.#open.get(this.#newest);
    this.#patience = setTimeout(() => newest?.abort(), this.patienceMs);
  }
}
