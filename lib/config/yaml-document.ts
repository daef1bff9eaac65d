/**
 * Reads YAML that a person wrote, within bounds, and remembers the line of everything in it. Never throws: what cannot
 * be used is a Problem. A file with a syntax error contributes nothing, because what the parser recovers from it may
 * be nested differently than its author meant.
 */
import { Composer, type Document, Lexer, LineCounter, Parser } from "yaml";
import type { Origin, Path } from "./origin.ts";
import { showPath } from "./origin.ts";
import type { Problem } from "./problem.ts";
import { readValues } from "./yaml-values.ts";

export interface TextFile {
  /** Base name, such as `topology.yaml`; becomes the `source` of problems. */
  readonly name: string;
  readonly text: string;
}

export interface YamlDocument {
  /** JSON-like: null, booleans, numbers, strings, arrays, objects without prototype. Null for an empty or unusable file. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** 1-based line of the key or item at `path`; the nearest existing ancestor's when there is none; null for an empty file. */
  line(path: Path): number | null;
  origin(path: Path): Origin;
}

/** Bytes of UTF-8 that one file may have. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Nesting of lists and mappings. */
const MAX_DEPTH = 32;
/** Tokens that the parser is fed with; bounds the work for a file of nothing but punctuation. */
const MAX_TOKENS = 200_000;

const NOTHING_USED = "Nothing of this file is used.";

/** Thrown and caught in this file only: the text broke a bound or is not YAML. */
class Unreadable extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Reads one YAML document of at most 1 MiB, 32 levels and 20,000 values (aliases expanded). */
export const readYaml = (file: TextFile): YamlDocument => read(file, false);

/** As the earlier version's PyYAML read it (YAML 1.1): `yes` and `off`, merge keys, of a repeated key the last one. */
export const readEarlierYaml = (file: TextFile): YamlDocument => read(file, true);

function read(file: TextFile, isEarlier: boolean): YamlDocument {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  try {
    const document = compose(file.text, lines, isEarlier);
    if (document === null) return documentOf(file.name, null, [], new Map());
    const { value, lineOf, problems } = readValues(file.name, document, lineAt, isEarlier);
    return documentOf(file.name, value, problems, lineOf);
  } catch (error) {
    const known = error instanceof Unreadable;
    const problem: Problem = {
      source: file.name,
      line: known ? lineAt(error.offset) : null,
      path: "",
      message: known ? error.message : "The file is not YAML that can be read.",
      instead: NOTHING_USED,
    };
    return documentOf(file.name, null, [problem], new Map());
  }
}

function compose(text: string, lines: LineCounter, isEarlier: boolean): Document.Parsed | null {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw new Unreadable("The file is larger than 1 MiB.", 0);
  const tokens = tokensOf(text, lines);
  const composer = new Composer({
    ...(isEarlier ? { version: "1.1" as const, merge: true } : { schema: "core" as const }),
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [document, second] = [...composer.compose(tokens, false, text.length)];
  if (document === undefined) return null;
  const [error] = document.errors;
  if (error !== undefined) throw new Unreadable(`The file is not YAML: ${sentence(error.message)}`, error.pos[0]);
  if (second !== undefined) {
    throw new Unreadable("The file contains a second document; only one is allowed.", second.range[0]);
  }
  return document as Document.Parsed;
}

/** The concrete syntax tree. Depth is bounded here, before the composer, which is recursive, sees it. */
function tokensOf(text: string, lines: LineCounter) {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    count += 1;
    if (count > MAX_TOKENS) throw new Unreadable("The file contains too many values.", parser.offset);
    // The document itself and the scalar being read take one place each.
    if (parser.stack.length > MAX_DEPTH + 2) {
      throw new Unreadable(`The file is nested more than ${MAX_DEPTH} levels deep.`, parser.offset);
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

const sentence = (text: string): string => (text.endsWith(".") ? text : `${text}.`);

function documentOf(
  source: string,
  value: unknown,
  problems: readonly Problem[],
  lineOf: ReadonlyMap<string, number>,
): YamlDocument {
  const line = (path: Path): number | null => {
    for (let length = path.length; length >= 0; length -= 1) {
      const found = lineOf.get(JSON.stringify(path.slice(0, length)));
      if (found !== undefined) return found;
    }
    return null;
  };
  return { value, problems, line, origin: (path) => ({ source, line: line(path), path: showPath(path) }) };
}
