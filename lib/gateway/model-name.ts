/**
 * Finds the value of the top-level `model` in a JSON body without parsing it: bytes come in pieces, and nothing behind the
 * name is looked at. A body that is no JSON object has none; what is wrong with it is for the upstream to say.
 */
import { asBuffer } from "./as-buffer.ts";

export interface ModelName {
  readonly name: string;
  /** Bytes of the value in the body, quotes included: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/** Longer keys and names are not ours. */
const MOST_TOKEN_BYTES = 4096;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export class ModelScanner {
  #offset = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** At depth 1: whether the next string is a key, and the last key. */
  #expectsKey = false;
  #key: string | null = null;
  /** The string being read is a key or the name: what it had in the chunks before this one, and where it goes on in this one. */
  #token: Uint8Array[] | null = null;
  #tokenFrom = 0;
  #tokenStart = 0;
  /** First byte of the value that was looked for, where it is no text. */
  other: number | null = null;

  /** @param wanted key of the value that is looked for */
  constructor(private readonly wanted = "model") {}

  /** @returns the name once it is known; `absent` when there is none, `more` when that is open yet */
  push(chunk: Uint8Array): ModelName | "absent" | "more" {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inString) {
        if (this.#token === null && !this.#escaped && byte !== QUOTE && byte !== BACKSLASH) {
          at = this.#skip(chunk, at);
          continue;
        }
        const found = this.#stringByte(byte, chunk, at);
        if (found) return found;
      } else if (isSpace(byte)) {
      } else if (this.#depth === 0) {
        if (byte !== 0x7b) return "absent";
        this.#depth = 1;
        this.#expectsKey = true;
      } else if (byte === QUOTE) {
        const isName = this.#depth === 1 && !this.#expectsKey && this.#key === this.wanted;
        this.#token = (this.#depth === 1 && this.#expectsKey) || isName ? [] : null;
        this.#tokenFrom = at;
        this.#tokenStart = this.#offset + at;
        this.#inString = true;
      } else if (this.#depth === 1 && byte === COMMA) {
        this.#expectsKey = true;
      } else if (this.#depth === 1 && byte === COLON) {
        this.#expectsKey = false;
      } else {
        // A name that is not text is for the upstream to refuse.
        if (this.#depth === 1 && !this.#expectsKey && this.#key === this.wanted) {
          this.other = byte;
          return "absent";
        }
        if (isOpening(byte)) this.#depth++;
        else if (isClosing(byte) && --this.#depth === 0) return "absent";
      }
    }
    this.#token?.push(chunk.slice(this.#tokenFrom));
    this.#tokenFrom = 0;
    this.#offset += chunk.length;
    return "more";
  }

  /** To the byte before the next quote or backslash of this chunk. */
  #skip(chunk: Uint8Array, from: number): number {
    let at = from + 1;
    while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
    return at - 1;
  }

  #stringByte(byte: number, chunk: Uint8Array, at: number): ModelName | null {
    const end = this.#offset + at + 1;
    if (this.#token !== null && end - this.#tokenStart > MOST_TOKEN_BYTES) {
      this.#token = null;
      if (this.#depth === 1 && this.#expectsKey) this.#key = null;
    }
    if (this.#escaped) {
      this.#escaped = false;
    } else if (byte === BACKSLASH) {
      this.#escaped = true;
    } else if (byte === QUOTE) {
      this.#inString = false;
      const text = this.#token && decoded(this.#token, chunk, this.#tokenFrom, at + 1);
      this.#token = null;
      if (this.#depth !== 1) return null;
      if (this.#expectsKey) this.#key = text;
      else if (this.#key === this.wanted && text !== null) return { name: text, start: this.#tokenStart, end };
    }
    return null;
  }
}

const PLAIN = /^"[\x20\x21\x23-\x5b\x5d-\x7e]*"$/;

/** @param before what of it came in earlier chunks @param last where its end is: `[from, to)` */
function decoded(before: readonly Uint8Array[], last: Uint8Array, from: number, to: number): string | null {
  const chunk = asBuffer(last);
  const bytes = before.length === 0 ? chunk : Buffer.concat([...before, chunk.subarray(0, to)]);
  const [begin, end] = before.length === 0 ? [from, to] : [0, bytes.length];
  const text = bytes.toString("latin1", begin, end);
  // Nearly all are: then there is nothing to decode.
  if (PLAIN.test(text)) return text.slice(1, -1);
  try {
    return JSON.parse(bytes.toString("utf8", begin, end)) as string;
  } catch {
    return null;
  }
}
