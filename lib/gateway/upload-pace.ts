/**
 * Whether a client sends its body at a pace that is worth waiting for. Bun's own idle timeout does not see what comes in: it
 * would cut a steady upload that takes longer, so it is switched off and this watches instead.
 */
import { Fault } from "../fault.ts";

export interface Pace {
  readonly windowMs: number;
  /** To arrive within each window in which nothing else was waited for. */
  readonly leastBytes: number;
}

export const UPLOAD_PACE: Pace = { windowMs: 60_000, leastBytes: 16 * 1024 };
const LOOKS_PER_WINDOW = 12;

export function tooSlow({ windowMs, leastBytes }: Pace): Fault {
  const seconds = Math.round(windowMs / 100) / 10;
  return new Fault("slow", "upload_too_slow", `Less than ${leastBytes} bytes of the body came within ${seconds} s.`);
}

/** Reads a body; a read fails with a Fault once the client is too slow. */
export class PacedReader {
  #waitingSince: number | null = null;
  #waitedMs = 0;
  #bytes = 0;
  #slow: Fault | null = null;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly pace: Pace,
  ) {
    this.#timer = setInterval(() => this.#look(), Math.max(1, pace.windowMs / LOOKS_PER_WINDOW));
  }

  /** @returns null at the end @throws Fault `slow`; what the reading throws */
  async read(): Promise<Uint8Array | null> {
    const began = performance.now();
    this.#waitingSince = began;
    try {
      const { done, value } = await this.reader.read();
      if (this.#slow) throw this.#slow;
      if (done) this.over();
      else this.#bytes += value.byteLength;
      return done ? null : value;
    } catch (error) {
      this.over();
      throw error;
    } finally {
      this.#waitedMs += performance.now() - began;
      this.#waitingSince = null;
    }
  }

  /** Nothing more is wanted. */
  async cancel(reason?: unknown): Promise<void> {
    this.over();
    await this.reader.cancel(reason).catch(() => undefined);
  }

  over(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#waitingSince === null) return;
    const waitedMs = this.#waitedMs + performance.now() - this.#waitingSince;
    if (waitedMs < this.pace.windowMs) return;
    if (this.#bytes < this.pace.leastBytes) {
      this.#slow = tooSlow(this.pace);
      // Ends the read that is pending.
      void this.cancel(this.#slow);
      return;
    }
    this.#bytes = 0;
    this.#waitedMs = -(performance.now() - this.#waitingSince);
  }
}
