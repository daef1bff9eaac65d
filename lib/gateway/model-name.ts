/**
 * Finds the value of the top-level `model` in a JSON body without parsing it: bytes come in pieces, and nothing behind the
 * name is looked at. A body that is no JSON object has none; what is wrong with it is for the upstream to say.
 */
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
  /** Bytes of the string being read, when it is a key or the name. */
  #token: number[] | null = null;
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
        const found = this.#stringByte(byte, this.#offset + at);
        if (found) return found;
      } else if (isSpace(byte)) {
      } else if (this.#depth === 0) {
        if (byte !== 0x7b) return "absent";
        this.#depth = 1;
        this.#expectsKey = true;
      } else if (byte === QUOTE) {
        const isName = this.#depth === 1 && !this.#expectsKey && this.#key === this.wanted;
        this.#token = (this.#depth === 1 && this.#expectsKey) || isName ? [QUOTE] : null;
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
    this.#offset += chunk.length;
    return "more";
  }

  /** To the byte before the next quote or backslash of this chunk. */
  #skip(chunk: Uint8Array, from: number): number {
    let at = from + 1;
    while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
    return at - 1;
  }

  #stringByte(byte: number, offset: number): ModelName | null {
    if (this.#token !== null) {
      this.#token.push(byte);
      if (this.#token.length > MOST_TOKEN_BYTES) {
        this.#token = null;
        if (this.#depth === 1 && this.#expectsKey) this.#key = null;
      }
    }
    if (this.#escaped) {
      this.#escaped = false;
    } else if (byte === BACKSLASH) {
      this.#escaped = true;
    } else if (byte === QUOTE) {
      this.#inString = false;
      const text = this.#token && decoded(this.#token);
      this.#token = null;
      if (this.#depth !== 1) return null;
      if (this.#expectsKey) this.#key = text;
      else if (this.#key === this.wanted && text !== null)
        return { name: text, start: this.#tokenStart, end: offset + 1 };
    }
    return null;
  }
}

const decoder = new TextDecoder();

function decoded(token: readonly number[]): string | null {
  try {
    return JSON.parse(decoder.decode(Uint8Array.from(token))) as string;
  } catch {
    return null;
  }
}
