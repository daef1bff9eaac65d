/**
 * Whether a client sends its body at a pace that is worth waiting for. Bun's own idle timeout does not see what comes in: it
 * would cut a steady upload that takes longer, so it is switched off and this watches instead.
 */
import { Fault } from "./fault.ts";

export interface Pace {
  readonly windowMs: number;
  /** To arrive within each window in which nothing else was waited for. */
  readonly leastBytes: number;
}

export const UPLOAD_PACE: Pace = { windowMs: 60_000, leastBytes: 16 * 1024 };

export function tooSlow({ windowMs, leastBytes }: Pace): Fault {
  const seconds = Math.round(windowMs / 100) / 10;
  return new Fault("slow", "upload_too_slow", `Less than ${leastBytes} bytes of the body came within ${seconds} s.`);
}

/**
 * Reads a body; a read fails with a Fault once the client is too slow. Only a read that waits has a timer: whoever reads no further
 * leaves nothing behind.
 */
export class PacedReader {
  /** Of the window: how long was waited, and what came. */
  #waitedMs = 0;
  #bytes = 0;
  /** From when on the pending read waits. */
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #slow: Fault | null = null;

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly pace: Pace,
  ) {}

  /** @returns null at the end @throws Fault `slow`; what the reading throws */
  async read(): Promise<Uint8Array | null> {
    this.#since = performance.now();
    this.#arm();
    const { done, value } = await this.reader.read().finally(() => clearTimeout(this.#timer));
    if (!done) {
      this.#bytes += value.byteLength;
      this.#judge();
    }
    if (!this.#slow) return done ? null : value;
    void this.cancel(this.#slow);
    throw this.#slow;
  }

  /** Nothing more is wanted. */
  async cancel(reason?: unknown): Promise<void> {
    await this.reader.cancel(reason).catch(() => undefined);
  }

  #arm(): void {
    this.#timer = setTimeout(
      () => {
        this.#judge();
        // Ends the read that is pending.
        if (this.#slow) void this.cancel(this.#slow);
        else this.#arm();
      },
      Math.max(1, Math.ceil(this.pace.windowMs - this.#waitedMs)),
    );
  }

  /** Whether enough has come, once a window has been waited for. */
  #judge(): void {
    const now = performance.now();
    this.#waitedMs += now - this.#since;
    this.#since = now;
    if (this.#waitedMs < this.pace.windowMs) return;
    if (this.#bytes < this.pace.leastBytes) this.#slow = tooSlow(this.pace);
    this.#waitedMs = this.#bytes = 0;
  }
}
