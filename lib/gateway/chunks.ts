/** Takes the framing off a body in chunks (RFC 9112 §7.1). Pure. */
import { BadAnswer } from "./answer-head.ts";

const CR = 0x0d;
const LF = 0x0a;
/** A size with its extension; a trailer. */
const MOST_LINE_BYTES = 8 * 1024;
/** All trailers together, as much as a head may have. Nobody gets them. */
const MOST_TRAILER_BYTES = 64 * 1024;
/** Of a size that is read without making a string of it. */
const QUICK_DIGITS = 7;
/** Sizes that are exact numbers. */
const SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i;

export class Chunks {
  #state: "size" | "data" | "after" | "trailer" | "over" = "size";
  /** Of the chunk that passes. */
  #left = 0;
  /** Of a line that is not there to its end. */
  #line = "";
  #trailerBytes = 0;

  /**
   * The body in these bytes is pushed together in their own place: many small chunks are one piece, and nothing is copied elsewhere.
   * @returns the body, and where it ended; -1 when it goes on
   * @throws BadAnswer
   */
  push(bytes: Buffer): { readonly piece: Uint8Array; readonly end: number } {
    let begin = 0;
    let size = 0;
    let at = 0;
    while (at < bytes.length && this.#state !== "over") {
      if (this.#state !== "data") {
        at = this.#quick(bytes, at) ?? this.#slow(bytes, at);
        continue;
      }
      const length = Math.min(this.#left, bytes.length - at);
      if (size === 0) begin = at;
      else bytes.copyWithin(begin + size, at, at + length);
      size += length;
      at += length;
      this.#left -= length;
      if (this.#left === 0) this.#state = "after";
    }
    return { piece: bytes.subarray(begin, begin + size), end: this.#state === "over" ? at : -1 };
  }

  /** Between two chunks as nearly all are: CR LF, digits, CR LF. @returns where the next one begins; null: it is not that */
  #quick(bytes: Buffer, from: number): number | null {
    let at = from;
    if (this.#line !== "" || this.#state === "trailer") return null;
    if (this.#state === "after") {
      if (bytes[at] !== CR || bytes[at + 1] !== LF) return null;
      at += 2;
    }
    let size = 0;
    const first = at;
    for (; at - first < QUICK_DIGITS; at++) {
      const digit = digitOf(bytes[at]);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    if (size === 0 || bytes[at] !== CR || bytes[at + 1] !== LF) return null;
    this.#left = size;
    this.#state = "data";
    return at + 2;
  }

  /** Line by line, however they are cut. @returns where it stopped */
  #slow(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    const line = this.#line + bytes.toString("latin1", at, end === -1 ? bytes.length : end + 1);
    if (line.length > MOST_LINE_BYTES) throw new BadAnswer("A line between chunks is too long.");
    // What follows a chunk is two bytes long: another byte there is seen at once.
    if (this.#state === "after" && !"\r\n".startsWith(line)) throw new BadAnswer("A chunk is longer than its size.");
    if (end === -1) {
      this.#line = line;
      return bytes.length;
    }
    if (line.charCodeAt(line.length - 2) !== CR) throw new BadAnswer("A line between chunks ends with no CR LF.");
    this.#line = "";
    this.#next(line.slice(0, -2));
    return end + 1;
  }

  #next(line: string): void {
    if (this.#state === "after") {
      this.#state = "size";
    } else if (this.#state === "size") {
      const [, size] = SIZE.exec(line) ?? [];
      if (size === undefined) throw new BadAnswer("The size of a chunk is no number.");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (line === "") {
      this.#state = "over";
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MOST_TRAILER_BYTES) throw new BadAnswer("There are too many trailers.");
    }
  }
}

/** @returns -1: it is no hexadecimal digit */
function digitOf(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
