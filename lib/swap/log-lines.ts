/**
 * Turns the bytes of a log, which arrive in arbitrary pieces, into lines. A carriage return overwrites: of a progress
 * bar only the last state is kept as a line, the earlier ones are reported as `overwritten` so that progress moves.
 */
const MAX_LINE_CHARACTERS = 8_192;
// Colour and cursor sequences (ECMA-48 CSI) and other control characters but tab.
const CONTROL = /\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

export interface Segment {
  readonly text: string;
  /** False for a state of a progress bar that was overwritten later. */
  readonly final: boolean;
}

export class LogLines {
  #decoder = new TextDecoder();
  #pending = "";

  /** @param chunk bytes that follow the previous ones without a gap */
  push(chunk: Uint8Array): Segment[] {
    this.#pending += this.#decoder.decode(chunk, { stream: true });
    const segments: Segment[] = [];
    let from = 0;
    for (let at = 0; at < this.#pending.length; at++) {
      const character = this.#pending[at];
      if (character !== "\n" && character !== "\r") continue;
      // "\r\n" is one line end; a "\r" at the very end waits for what follows.
      if (character === "\r" && at + 1 === this.#pending.length) break;
      const crlf = character === "\r" && this.#pending[at + 1] === "\n";
      segments.push({ text: clean(this.#pending.slice(from, at)), final: character === "\n" || crlf });
      if (crlf) at++;
      from = at + 1;
    }
    this.#pending = this.#pending.slice(from);
    // A line that never ends must not grow without bound.
    if (this.#pending.length > MAX_LINE_CHARACTERS * 4) segments.push(...this.end());
    return segments.filter((segment) => segment.text !== "" || segment.final);
  }

  /** What is left when the log is complete. */
  end(): Segment[] {
    const rest = clean(this.#pending + this.#decoder.decode());
    this.#pending = "";
    return rest === "" ? [] : [{ text: rest, final: true }];
  }
}

function clean(text: string): string {
  const plain = text.replace(CONTROL, "").trimEnd();
  return plain.length > MAX_LINE_CHARACTERS ? `${plain.slice(0, MAX_LINE_CHARACTERS)} …` : plain;
}
