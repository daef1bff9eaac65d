/**
 * Turns the bytes of a log, which arrive in arbitrary pieces, into lines. A carriage return overwrites: of a progress
 * bar only the last state is kept as a line, the earlier ones are reported as `overwritten` so that progress moves.
 * Where a line ends depends on the bytes alone, never on the pieces, and each tells where: a log that is read a second
 * time goes on exactly behind the last line that is known.
 */
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A longer line comes in pieces of this size, so that one that never ends does not grow without bound. */
const MOST_LINE_BYTES = 8_192;
// Colour and cursor sequences (ECMA-48 CSI) and other control characters but tab.
const CONTROL = /\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

export interface Segment {
  readonly text: string;
  /** False for a state of a progress bar that was overwritten later. */
  readonly final: boolean;
  /** Offset of the first byte behind it. */
  readonly end: number;
}

export class LogLines {
  #pending = new Uint8Array();
  /** Offset of the first byte that is pending. */
  #at = 0;

  /** What comes next begins at this offset; nothing is pending. */
  goTo(offset: number): void {
    this.#at = offset;
  }

  /** @param chunk bytes that follow the previous ones without a gap */
  push(chunk: Uint8Array): Segment[] {
    const bytes = joined(this.#pending, chunk);
    const segments: Segment[] = [];
    let from = 0;
    const take = (to: number, next: number, final: boolean, more = "") => {
      const text = `${clean(bytes.subarray(from, to))}${more}`;
      if (text !== "" || final) segments.push({ text, final, end: this.#at + next });
      from = next;
    };
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LINE_FEED) take(at, at + 1, true);
      else if (byte === CARRIAGE_RETURN) {
        // "\r\n" is one line end; a "\r" at the very end waits for what follows.
        if (at + 1 === bytes.length) break;
        const crlf = bytes[at + 1] === LINE_FEED;
        take(at, crlf ? at + 2 : at + 1, crlf);
        if (crlf) at++;
      } else if (at - from >= MOST_LINE_BYTES) {
        const cut = characterAt(bytes, at);
        take(cut, cut, true, " …");
      }
    }
    this.#pending = bytes.slice(from);
    this.#at += from;
    return segments;
  }

  /** What is left when the log is complete. */
  end(): Segment[] {
    const text = clean(this.#pending);
    this.#at += this.#pending.length;
    this.#pending = new Uint8Array();
    return text === "" ? [] : [{ text, final: true, end: this.#at }];
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** Where the character begins to which this byte belongs: UTF-8 has at most three bytes that continue one. */
function characterAt(bytes: Uint8Array, at: number): number {
  for (let begin = at; begin > at - 4; begin--) if (((bytes[begin] ?? 0) & 0xc0) !== 0x80) return begin;
  return at;
}

function clean(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(CONTROL, "").trimEnd();
}
