/** One direction of a connection through the fault proxy: bytes from one socket to another at a pace that may change. */
import type { Socket } from "node:net";

export interface Pace {
  /** 0: nothing passes. Infinity: as fast as it can. */
  readonly bytesPerSecond: number;
  readonly delayMs: number;
}

interface Piece {
  data: Buffer;
  /** `performance.now()` of its arrival. */
  readonly at: number;
}

/** A window as TCP has one: with this much on its way the sender has to wait. */
const WINDOW_BYTES = 256 * 1024;
/** A paced line sends a portion this often. */
const TICK_MS = 10;
const MOST_SAVED_SECONDS = 0.05;

export class Flow {
  readonly #pieces: Piece[] = [];
  #held = 0;
  #ended: "no" | "end" | "reset" = "no";
  #pace: Pace = { bytesPerSecond: Number.POSITIVE_INFINITY, delayMs: 0 };
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** What the pace has allowed and has not been used, and since when it counts. */
  #credit = 0;
  #creditAt = performance.now();
  #stopped = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
  ) {
    from.on("data", (data: Buffer) => {
      this.#pieces.push({ data, at: performance.now() });
      this.#held += data.length;
      this.#move();
    });
    from.on("error", () => this.#over("reset"));
    from.once("end", () => this.#over("end"));
    from.once("close", () => this.#over("end"));
    to.on("drain", () => this.#move());
    to.once("close", () => this.stop());
  }

  get heldBytes(): number {
    return this.#held;
  }

  setPace(pace: Pace): void {
    this.#pace = pace;
    this.#credit = 0;
    this.#creditAt = performance.now();
    this.#move();
  }

  /** Nothing moves any more; what is held is forgotten. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#pieces.length = 0;
    this.#held = 0;
    this.from.resume();
  }

  #over(how: "end" | "reset"): void {
    if (this.#ended !== "reset") this.#ended = how;
    this.#move();
  }

  /** Sends what may be sent now, and sees to it that it is called again for the rest. */
  #move(): void {
    if (this.#stopped) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const waitMs = this.#send();
    if (this.#held >= WINDOW_BYTES) this.from.pause();
    else this.from.resume();
    if (waitMs === null) return;
    if (waitMs > 0) this.#timer = setTimeout(() => this.#move(), waitMs);
    else if (this.#ended === "reset") this.to.resetAndDestroy();
    else if (this.#ended === "end") this.to.end();
  }

  /** @returns milliseconds to the next portion; 0: all is sent; null: somebody else will call */
  #send(): number | null {
    const { bytesPerSecond, delayMs } = this.#pace;
    const now = performance.now();
    if (bytesPerSecond === 0) return null;
    this.#earn(bytesPerSecond, now);
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      if (this.to.writableNeedDrain) return null;
      const earlyMs = piece.at + delayMs - now;
      if (earlyMs > 0) return Math.max(1, earlyMs);
      const bytes = Math.min(piece.data.length, Math.floor(this.#credit));
      if (bytes === 0) return TICK_MS;
      this.#credit -= bytes;
      this.#held -= bytes;
      this.to.write(piece.data.subarray(0, bytes));
      if (bytes < piece.data.length) piece.data = piece.data.subarray(bytes);
      else this.#pieces.shift();
    }
    return 0;
  }

  #earn(bytesPerSecond: number, now: number): void {
    const earned = this.#credit + ((now - this.#creditAt) / 1000) * bytesPerSecond;
    // A line that was idle does not save up; one whose timer was late makes up for a little.
    const most = Math.max(1, bytesPerSecond * MOST_SAVED_SECONDS);
    this.#credit = bytesPerSecond === Number.POSITIVE_INFINITY ? bytesPerSecond : Math.min(earned, most);
    this.#creditAt = now;
  }
}
