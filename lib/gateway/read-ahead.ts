/**
 * Reads a body on while its request waits for a place: the end of a client that has left lies behind all that it had sent, and nobody
 * would see it. What is read so waits in memory, as far as half of the room is free.
 */
import type { PacedReader } from "../upload-pace.ts";
import type { Share } from "./room.ts";

export class ReadAhead {
  readonly #pieces: Uint8Array[] = [];
  #share: Share | null = null;
  /** Of the pieces, as far as there was room for them. */
  #counted = 0;
  #reading: Promise<void> | null = null;
  #isAhead = false;
  #isOver = false;
  #error: unknown = null;

  constructor(private readonly reader: PacedReader) {}

  /** Of its share, for what is read ahead; given back as it is read. */
  get keptBytes(): number {
    return this.#counted;
  }

  /**
   * Nobody reads until then; where it fails, the request may wait for something else.
   * @param share for what is read meanwhile; whoever gave it frees it when the request is over
   */
  during<Place>(waiting: Promise<Place>, share: Share): Promise<Place> {
    this.#share = share;
    this.#isAhead = true;
    this.#reading = this.#read(share);
    return waiting.catch((error) => {
      this.#isAhead = false;
      throw error;
    });
  }

  /** @returns null at the end @throws what the reading throws */
  async read(): Promise<Uint8Array | null> {
    this.#isAhead = false;
    if (this.#pieces.length === 0) await this.#reading;
    const piece = this.#pieces.shift();
    if (piece) {
      const given = Math.min(piece.byteLength, this.#counted);
      this.#counted -= given;
      this.#share?.shrink(Math.max(0, this.#share.bytes - given));
      return piece;
    }
    if (this.#error !== null) throw this.#error;
    return this.#isOver ? null : this.reader.read();
  }

  /** Nothing more is wanted. */
  async cancel(reason?: unknown): Promise<void> {
    this.#isAhead = false;
    this.#isOver = true;
    this.#pieces.length = this.#counted = 0;
    this.#share?.free();
    await this.reader.cancel(reason);
  }

  async #read(share: Share): Promise<void> {
    try {
      while (this.#isAhead && !share.isRoomHalfFull) {
        const piece = await this.reader.read();
        this.#isOver ||= piece === null;
        if (piece === null || this.#isOver) return;
        this.#pieces.push(piece);
        if (share.fits(piece.byteLength)) this.#counted += piece.byteLength;
      }
    } catch (error) {
      this.#error = error;
    }
  }
}
