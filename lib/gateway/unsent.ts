/**
 * What a connection has not taken yet. While an upload goes on its way nothing waits here but the piece that is being taken. Where the
 * upstream takes nothing, the client is read on into memory, as far as there is room: the end of a client that has left lies
 * behind all that it had sent, and nobody would see it.
 */
import type { Share } from "./room.ts";

/** Without a byte taken the upstream has stopped. */
const STOPPED_MS = 50;
/** Of one upload. */
const MOST_AHEAD_BYTES = 16 * 1024 * 1024;
/** It does nothing else than stop: now all of the upload is read ahead, as long as others have half of the room. */
const STANDS_MS = 1_000;

/** The other side takes no more of the body. */
export class UploadStalled extends Error {
  override readonly name = "UploadStalled";

  constructor(readonly afterMs: number) {
    super("Nothing more of the body is taken.");
  }
}

export class Unsent {
  readonly #pieces: Uint8Array[] = [];
  /** Of all pieces. */
  #bytes = 0;
  /** By `performance.now()`: when something was taken last. */
  #movedAt = 0;
  #moved: PromiseWithResolvers<void> | null = null;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #isLast = false;
  #onTaken: (() => void) | null = null;

  /**
   * @param take gives bytes to the socket and returns how many it has taken
   * @param share of the room for bodies: what is read ahead
   */
  constructor(
    private readonly take: (bytes: Uint8Array) => number,
    private readonly share: Share,
    private readonly onStalled: (error: UploadStalled) => void,
  ) {}

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** An upload begins, of which something may wait for so long while nothing is taken. @param onTaken all of it is with the other side */
  begin(stallMs: number, onTaken: () => void): void {
    this.#isLast = false;
    this.#onTaken = onTaken;
    const look = () => {
      const leftMs = this.isEmpty ? stallMs : this.#movedAt + stallMs - performance.now();
      if (leftMs <= 0) this.onStalled(new UploadStalled(stallMs));
      else this.#watch = setTimeout(look, Math.ceil(leftMs));
    };
    this.#watch = setTimeout(look, stallMs);
  }

  write(bytes: Uint8Array): void {
    if (!this.isEmpty) {
      this.#pieces.push(bytes);
      this.#bytes += bytes.length;
      // Where it does not fit it is there all the same; then nothing more is read.
      this.share.fits(bytes.length);
      return;
    }
    const taken = Math.max(0, this.take(bytes));
    if (taken === bytes.length) return;
    this.#pieces.push(bytes.subarray(taken));
    this.#bytes = bytes.length - taken;
    this.#movedAt = performance.now();
  }

  /** All of the upload is written. */
  end(): void {
    this.#isLast = true;
    if (this.isEmpty) this.#taken();
  }

  /** The socket takes something again. */
  flush(): void {
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      const taken = Math.max(0, this.take(piece));
      if (taken > 0) this.#movedAt = performance.now();
      this.#bytes -= taken;
      if (taken < piece.length) {
        this.#pieces[0] = piece.subarray(taken);
        break;
      }
      this.#pieces.shift();
    }
    this.share.shrink(this.#bytes);
    if (this.isEmpty) this.#emptied();
    else this.#wake();
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.#pieces.length = 0;
    this.#bytes = 0;
    this.#isLast = true;
    this.#onTaken = null;
    this.#emptied();
  }

  /** Until more of the body may be read. */
  async wantsMore(): Promise<void> {
    while (!this.isEmpty) {
      const stoppedMs = performance.now() - this.#movedAt;
      if (stoppedMs >= STANDS_MS && !this.share.isRoomHalfFull) return;
      if (stoppedMs >= STOPPED_MS && this.share.bytes < MOST_AHEAD_BYTES && !this.share.isRoomFull) return;
      this.#moved ??= Promise.withResolvers();
      const leftMs = (stoppedMs < STOPPED_MS ? STOPPED_MS : STANDS_MS) - stoppedMs;
      const timer = leftMs > 0 ? setTimeout(() => this.#wake(), Math.ceil(leftMs)) : undefined;
      await this.#moved.promise;
      clearTimeout(timer);
    }
  }

  #emptied(): void {
    this.share.free();
    if (this.#isLast) this.#taken();
    this.#wake();
  }

  #taken(): void {
    clearTimeout(this.#watch);
    this.#onTaken?.();
    this.#onTaken = null;
  }

  #wake(): void {
    this.#moved?.resolve();
    this.#moved = null;
  }
}
