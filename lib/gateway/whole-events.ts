/**
 * Holds back the beginning of an event until all of it is there. When an upstream breaks off in the middle of one, a client that
 * had its first half would join it with the error event that follows, and fail at the JSON instead of being told.
 */

/** Longer events pass as they come: no stream holds more than this. */
const MOST_HELD_BYTES = 256 * 1024;
const LF = 0x0a;
const COLON = 0x3a;
/** Ends of an empty line: lines may end with LF, CR LF or CR. */
const EDGES = ["\n\n", "\n\r\n", "\r\r"];
const NONE: readonly Uint8Array[] = [];

export class WholeEvents {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** The last two bytes that came. A stream begins as if an event had just ended. */
  #before = [LF, LF];
  /** A part of an event that was too long to be held is out. */
  isInside = false;

  /** @returns what may go on, in order and unchanged */
  push(piece: Uint8Array): readonly Uint8Array[] {
    const { length } = piece;
    // Nearly always: the piece is one event or several.
    const edge = piece[length - 1] === LF && piece[length - 2] === LF ? length : this.#edgeIn(piece);
    this.#before = [piece[length - 2] ?? this.#before[1]!, piece[length - 1] ?? this.#before[1]!];
    if (edge === length || this.#isComment(piece)) return this.#go(piece);
    if (edge > 0) {
      const whole = this.#go(piece.subarray(0, edge));
      this.#hold(piece.subarray(edge));
      return whole;
    }
    if (this.isInside) return [piece];
    this.#hold(piece);
    if (this.#heldBytes <= MOST_HELD_BYTES) return NONE;
    this.isInside = true;
    return this.rest();
  }

  /** What is held, at the end of the stream. */
  rest(): readonly Uint8Array[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  #go(piece: Uint8Array): readonly Uint8Array[] {
    this.isInside = false;
    return this.#heldBytes === 0 ? [piece] : [...this.rest(), piece];
  }

  #hold(piece: Uint8Array): void {
    this.#heldBytes += piece.byteLength;
    this.#held.push(piece);
  }

  /** A comment line keeps connections alive that others would take for dead, and is no part of an event. */
  #isComment(piece: Uint8Array): boolean {
    return !this.isInside && this.#heldBytes === 0 && piece[0] === COLON && piece.indexOf(LF) === piece.length - 1;
  }

  /** Where in the piece the last empty line ends; 0: there is none. */
  #edgeIn(piece: Uint8Array): number {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const edge = lastEdge(bytes);
    if (edge > 0) return edge;
    const seam = Buffer.from([...this.#before, ...bytes.subarray(0, 2)]);
    return Math.max(0, lastEdge(seam) - this.#before.length);
  }
}

function lastEdge(bytes: Buffer): number {
  let edge = 0;
  for (const text of EDGES) {
    const at = bytes.lastIndexOf(text);
    if (at !== -1) edge = Math.max(edge, at + text.length);
  }
  return edge;
}
