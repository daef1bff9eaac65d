/** An upstream's answer as it comes: its head, and its body piece by piece, no faster than it is read. */
import type { AnswerHead } from "./answer-head.ts";
import { Chunks } from "./chunks.ts";
import type { PlainHeaders } from "./headers.ts";

/** How the connection is dealt with by what comes over it. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** The body has ended. @param isClean nothing came behind it */
  over(isClean: boolean): void;
  /** Nobody wants the rest. */
  drop(): void;
}

/** So much may wait to be read. */
const MOST_WAITING_BYTES = 256 * 1024;
/** With so little left more is asked for. */
const FEW_BYTES = 64 * 1024;

export class Answer {
  readonly status: number;
  readonly headers: PlainHeaders;
  /** Its end is marked: by a length, or by a last chunk. */
  readonly isFramed: boolean;
  readonly keepsOpen: boolean;
  /** Of the body that is still to come; null where nobody knows. */
  #left: number | null;
  readonly #chunks: Chunks | null;
  readonly #pieces: Uint8Array[] = [];
  #waiting = 0;
  #isPaused = false;
  #isOver = false;
  #error: unknown = null;
  #reader: PromiseWithResolvers<void> | null = null;

  constructor(
    { status, headers, framing, keepsOpen }: AnswerHead,
    private readonly flow: Flow,
  ) {
    this.status = status;
    this.headers = headers;
    this.keepsOpen = keepsOpen;
    this.isFramed = framing !== "close";
    this.#left = typeof framing === "number" ? framing : null;
    this.#chunks = framing === "chunks" ? new Chunks() : null;
    if (framing === 0) this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** More of it has come. @throws BadAnswer */
  push(bytes: Buffer): void {
    let end = -1;
    if (this.#chunks) {
      const got = this.#chunks.push(bytes);
      this.#take(got.piece);
      end = got.end;
    } else if (this.#left === null) this.#take(bytes);
    else {
      this.#take(bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes);
      if (bytes.length >= this.#left) end = this.#left;
      this.#left -= Math.min(this.#left, bytes.length);
    }
    if (end !== -1) {
      this.#isOver = true;
      // The connection goes to others, whether this is read or not.
      if (this.#isPaused) this.flow.resume();
      this.#isPaused = false;
      this.flow.over(end === bytes.length);
    } else if (this.#waiting > MOST_WAITING_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.flow.pause();
    }
    this.#wake();
  }

  /** The other side has ended the connection in good order: without framing that is the end of the answer. */
  closed(): void {
    if (!this.isFramed) this.#isOver = true;
    this.#wake();
  }

  /** It breaks off. What has come before can still be read, unless nobody should. */
  fail(error: unknown, atOnce: boolean): void {
    if (this.#error !== null || this.#isOver) return;
    this.#error = error;
    if (atOnce) this.#pieces.length = 0;
    this.#wake();
  }

  /** @returns null at the end; at once what is there already @throws what broke it */
  read(): Uint8Array | null | Promise<Uint8Array | null> {
    const piece = this.#pieces.shift();
    if (piece) {
      this.#waiting -= piece.byteLength;
      if (this.#isPaused && this.#waiting <= FEW_BYTES) {
        this.#isPaused = false;
        this.flow.resume();
      }
      return piece;
    }
    if (this.#error !== null) throw this.#error;
    if (this.#isOver) return null;
    this.#reader ??= Promise.withResolvers();
    return this.#reader.promise.then(() => this.read());
  }

  /** All of it; at once what is there already. @throws what broke it */
  whole(): Uint8Array | Promise<Uint8Array> {
    if (!this.#isOver && this.#error === null) {
      this.#reader ??= Promise.withResolvers();
      return this.#reader.promise.then(() => this.whole());
    }
    if (this.#error !== null) throw this.#error;
    const pieces = this.#pieces;
    if (pieces.length > 1) return Buffer.concat(pieces.splice(0));
    return pieces.pop() ?? new Uint8Array();
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.#pieces.length = 0;
    if (!this.#isOver) this.flow.drop();
  }

  #take(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(piece);
    this.#waiting += piece.byteLength;
  }

  #wake(): void {
    this.#reader?.resolve();
    this.#reader = null;
  }
}
