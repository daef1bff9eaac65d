/**
 * The one place where text becomes a shell command. A `ShellCommand` cannot be made anywhere else, so an unquoted
 * value cannot reach a shell by mistake. Shapes and their purpose: docs/ARCHITECTURE.md, "What the controller says to a Spark".
 */
declare const shell: unique symbol;
export type ShellCommand = string & { readonly [shell]: true };

/** A path below the home folder of the SSH user, expanded by the remote shell. */
export interface HomePath {
  readonly home: string;
}
export type Word = string | HomePath;

/** A value that no command may contain, whatever the quoting: NUL ends a C string early. */
export class UnquotableError extends Error {
  override readonly name = "UnquotableError";
}

// Without "=": a first word such as A=b would be an assignment.
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/** POSIX single quotes; a word of harmless characters stays as it is. @throws UnquotableError on NUL */
export function quote(text: string): string {
  if (text.includes("\0")) throw new UnquotableError("a command argument contains a NUL character");
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `~/x` and `~` become a HomePath, anything else stays a plain word. */
export function path(text: string): Word {
  if (text === "~") return { home: "" };
  return text.startsWith("~/") ? { home: text.slice(2) } : text;
}

function word(value: Word): string {
  if (typeof value === "string") return quote(value);
  return value.home === "" ? `"$HOME"` : `"$HOME"/${quote(value.home)}`;
}

/** One command from its arguments. */
export function command(argv: readonly [Word, ...Word[]]): ShellCommand {
  return argv.map(word).join(" ") as ShellCommand;
}

/** A named POSIX sh script with positional arguments; `name` becomes `$0`. */
export function script(name: string, text: string, args: readonly Word[]): ShellCommand {
  return `sh -c ${quote(text)} ${[name, ...args].map(word).join(" ")}` as ShellCommand;
}

export interface BatchAnswer {
  /** stdout and stderr in the order in which they were written. */
  readonly output: string;
  readonly exitCode: number;
}

/** Several commands in one round trip. @param nonce hex characters, fresh for each batch */
export function batch(commands: readonly ShellCommand[], nonce: string): ShellCommand {
  return commands.map((one) => `( ${one} ) 2>&1; printf '\\n%s %d\\n' ${quote(nonce)} "$?"`).join("; ") as ShellCommand;
}

/** The answers of a batch in order; fewer than asked for when the output was cut off. */
export function parseBatch(stdout: string, nonce: string): BatchAnswer[] {
  const answers: BatchAnswer[] = [];
  const boundary = new RegExp(`\\n${nonce} (\\d+)\\n`, "g");
  let from = 0;
  for (let match = boundary.exec(stdout); match; match = boundary.exec(stdout)) {
    answers.push({ output: stdout.slice(from, match.index), exitCode: Number(match[1]) });
    from = boundary.lastIndex;
  }
  return answers;
}
