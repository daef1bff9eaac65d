/** Takes the framing off a body in chunks (RFC 9112 §7.1). Pure. */
import { BadAnswer } from "./answer-head.ts";

const CR = 0x0d;
const LF = 0x0a;
/** A size with its extension; a trailer. */
const MOST_LINE_BYTES = 8 * 1024;
/** Sizes that are exact numbers. */
const SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i;

export class Chunks {
  #state: "size" | "data" | "after" | "trailer" | "over" = "size";
  /** Of the chunk that passes. */
  #left = 0;
  /** Of a line that is not there to its end. */
  #line = "";

  /**
   * @param take called with each piece of the body
   * @returns where the body ended in these bytes; -1 when it goes on
   * @throws BadAnswer
   */
  push(bytes: Buffer, take: (piece: Uint8Array) => void): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const piece = bytes.subarray(at, at + this.#left);
        take(piece);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = "after";
        continue;
      }
      const end = bytes.indexOf(LF, at);
      const line = this.#line + bytes.toString("latin1", at, end === -1 ? bytes.length : end + 1);
      if (line.length > MOST_LINE_BYTES) throw new BadAnswer("A line between chunks is too long.");
      // What follows a chunk is two bytes long: another byte there is seen at once.
      if (this.#state === "after" && !"\r\n".startsWith(line)) throw new BadAnswer("A chunk is longer than its size.");
      if (end === -1) {
        this.#line = line;
        return -1;
      }
      if (line.charCodeAt(line.length - 2) !== CR) throw new BadAnswer("A line between chunks ends with no CR LF.");
      this.#line = "";
      at = end + 1;
      this.#next(line.slice(0, -2));
      if (this.#state === "over") return at;
    }
    return -1;
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
    }
  }
}
