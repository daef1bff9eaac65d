/**
 * Reads back exactly what lib/ssh/quote.ts writes (docs/ARCHITECTURE.md, "What the controller says to a Spark").
 * Whatever else a real shell would accept is a syntax error here, so that a command that relies on it is noticed.
 */
import type { Word } from "../ssh/quote.ts";

export class ShellSyntaxError extends Error {
  override readonly name = "ShellSyntaxError";
}

export interface ShellLine {
  /** Null for a single command. */
  readonly nonce: string | null;
  readonly commands: readonly (readonly Word[])[];
}

const PLAIN = /[A-Za-z0-9_@%+=:,./-]/;
const HOME = `"$HOME"`;
const BATCH_OPEN = "( ";
const BATCH_MIDDLE = ` ) 2>&1; printf '\\n%s %d\\n' `;
const BATCH_CLOSE = ` "$?"`;
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

class Reader {
  at = 0;

  constructor(readonly text: string) {}

  get done(): boolean {
    return this.at >= this.text.length;
  }

  sees(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  take(token: string): boolean {
    if (!this.sees(token)) return false;
    this.at += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) throw new ShellSyntaxError(`expected ${JSON.stringify(token)} at ${this.at}`);
  }
}

/** Text of unquoted, single-quoted and backslash-quote pieces up to the next space; undefined when there is none. */
function pieces(reader: Reader): string | undefined {
  const start = reader.at;
  let value = "";
  while (!reader.done) {
    const char = reader.text[reader.at]!;
    if (reader.take("'")) {
      const end = reader.text.indexOf("'", reader.at);
      if (end < 0) throw new ShellSyntaxError("unterminated quoted string");
      value += reader.text.slice(reader.at, end);
      reader.at = end + 1;
    } else if (reader.take("\\'")) {
      value += "'";
    } else if (PLAIN.test(char)) {
      value += char;
      reader.at += 1;
    } else {
      break;
    }
  }
  return reader.at === start ? undefined : value;
}

function word(reader: Reader): Word {
  if (reader.take(HOME)) {
    if (!reader.take("/")) return { home: "" };
    const rest = pieces(reader);
    if (rest === undefined) throw new ShellSyntaxError("nothing after the home folder");
    return { home: rest };
  }
  const text = pieces(reader);
  if (text === undefined) throw new ShellSyntaxError(`expected a word at ${reader.at}`);
  return text;
}

function words(reader: Reader): Word[] {
  const start = reader.at;
  const found = [word(reader)];
  if (ASSIGNMENT.test(reader.text.slice(start))) throw new ShellSyntaxError("an assignment is no command");
  while (!reader.done && reader.sees(" ") && !reader.sees(" )")) {
    reader.expect(" ");
    found.push(word(reader));
  }
  return found;
}

function batch(reader: Reader): ShellLine {
  const commands: Word[][] = [];
  let nonce: string | null = null;
  do {
    reader.expect(BATCH_OPEN);
    commands.push(words(reader));
    reader.expect(BATCH_MIDDLE);
    const own = pieces(reader);
    if (own === undefined || (nonce !== null && own !== nonce)) throw new ShellSyntaxError("nonces differ");
    nonce = own;
    reader.expect(BATCH_CLOSE);
  } while (reader.take("; "));
  return { nonce, commands };
}

/** @throws ShellSyntaxError for anything that lib/ssh/quote.ts does not write */
export function parseShellLine(text: string): ShellLine {
  const reader = new Reader(text);
  const line = reader.sees(BATCH_OPEN) ? batch(reader) : { nonce: null, commands: [words(reader)] };
  if (!reader.done) throw new ShellSyntaxError(`unexpected text at ${reader.at}`);
  return line;
}

/** The word as the remote shell hands it to the command. */
export function expand(value: Word, home: string): string {
  if (typeof value === "string") return value;
  return value.home === "" ? home : `${home}/${value.home}`;
}
