/**
 * The tokens of an answer, as its last bytes tell them: OpenAI's `usage` at the end of a JSON answer or in the last events of a
 * stream (with `stream_options.include_usage`), Anthropic's in `message_delta`. Only numbers are taken, and only from there:
 * within a JSON string the quotes of `"usage"` would be escaped, so no text of a model can be taken for it.
 */
import { asBuffer } from "./as-buffer.ts";

export interface Usage {
  /** Tokens of the prompt; null where the answer does not tell. */
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
}

/** What is kept of a stream's end: `usage`, and whatever vLLM puts behind it. */
const TAIL_BYTES = 4 * 1024;
/** `usage` with all its details is shorter. */
const USAGE_BYTES = 1024;
const NONE: Usage = { tokensIn: null, tokensOut: null };

/** Keeps the last pieces of a stream, by reference: nothing is copied while it passes. */
export class Tail {
  #pieces: Uint8Array[] = [];
  #size = 0;

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.byteLength;
    while (this.#size - this.#pieces[0]!.byteLength >= TAIL_BYTES) this.#size -= this.#pieces.shift()!.byteLength;
  }

  usage(): Usage {
    const [only] = this.#pieces;
    if (only === undefined) return NONE;
    return usageOf(this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces));
  }
}

/** @param bytes an answer, or the end of one */
export function usageOf(bytes: Uint8Array): Usage {
  const tail = bytes.byteLength > TAIL_BYTES ? bytes.subarray(-TAIL_BYTES) : bytes;
  const buffer = asBuffer(tail);
  const at = lastUsage(buffer);
  if (at === -1) return NONE;
  const text = buffer.toString("latin1", at, Math.min(at + USAGE_BYTES, buffer.length));
  return {
    tokensIn: numberOf(text, '"prompt_tokens"') ?? numberOf(text, '"input_tokens"'),
    tokensOut: numberOf(text, '"completion_tokens"') ?? numberOf(text, '"output_tokens"'),
  };
}

/** The last one with numbers: where a stream tells usage at its end only, the events before say `"usage":null`. */
function lastUsage(buffer: Buffer): number {
  for (let at = buffer.lastIndexOf('"usage"'); at !== -1; at = at === 0 ? -1 : buffer.lastIndexOf('"usage"', at - 1)) {
    let next = at + '"usage"'.length;
    while (buffer[next] === COLON || buffer[next] === SPACE) next++;
    if (buffer[next] === BRACE) return at;
  }
  return -1;
}

const SPACE = 0x20;
const COLON = 0x3a;
const BRACE = 0x7b;
const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

function numberOf(text: string, name: string): number | null {
  const found = text.indexOf(name);
  if (found === -1) return null;
  let from = found + name.length;
  while (text[from] === ":" || text[from] === " ") from++;
  let to = from;
  while (isDigit(text.charCodeAt(to))) to++;
  const number = Number(text.slice(from, to));
  return to > from && Number.isSafeInteger(number) ? number : null;
}
