/** The head of an upstream's answer: HTTP/1.1 as RFC 9112 has it, and nothing that is only nearly so. Pure. */
import type { PlainHeaders } from "./headers.ts";

/** Where the body ends: after so many bytes, after its last chunk, or with the connection. */
export type AnswerFraming = number | "chunks" | "close";

export interface AnswerHead {
  readonly status: number;
  /** Lower-cased; several of one name are joined. */
  readonly headers: PlainHeaders;
  readonly framing: AnswerFraming;
  /** Another request may follow over the same connection. */
  readonly keepsOpen: boolean;
  /** Where the body begins. */
  readonly bytes: number;
}

/** What came is no answer in HTTP/1. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
}

const VERSION = "HTTP/1.";
const MOST_HEAD_BYTES = 64 * 1024;
const MOST_INTERIM = 16;
const END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LENGTH = /^\d{1,15}$/;

/** Interim answers are for the connection; the real one follows. @returns null: more of it has to come @throws BadAnswer */
export function answerHead(bytes: Buffer, method: string): AnswerHead | null {
  let begin = 0;
  for (let interim = 0; interim <= MOST_INTERIM; interim++) {
    const head = headAt(begin, bytes, method);
    if (head === null || head.status >= 200) return head;
    begin = head.bytes;
  }
  throw new BadAnswer("It sends interim answers and no real one.");
}

function headAt(begin: number, bytes: Buffer, method: string): AnswerHead | null {
  for (let at = 0; at < VERSION.length && begin + at < bytes.length; at++)
    if (bytes[begin + at] !== VERSION.charCodeAt(at)) throw new BadAnswer("It speaks no HTTP/1.");
  const end = bytes.indexOf(END, begin);
  if (end - begin > MOST_HEAD_BYTES || (end === -1 && bytes.length - begin > MOST_HEAD_BYTES))
    throw new BadAnswer("The head of the answer is too long.");
  if (end === -1) return null;
  const lines = bytes.toString("latin1", begin, end).split("\r\n");
  const line = STATUS_LINE.exec(lines[0]!);
  if (line === null) throw new BadAnswer("The answer begins with no status.");
  const status = Number(line[2]);
  if (status === 101) throw new BadAnswer("The protocol was changed, and nobody had asked for it.");
  const headers = fields(lines);
  const framing = framingOf(status, headers, method);
  const isClosing = /\bclose\b/i.test(headers.connection ?? "");
  return {
    status,
    headers,
    framing,
    keepsOpen: line[1] === "1" && framing !== "close" && !isClosing,
    bytes: end + END.length,
  };
}

/** @param lines the first is the status */
function fields(lines: readonly string[]): PlainHeaders {
  const headers: PlainHeaders = Object.create(null);
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at]!;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!NAME.test(name)) throw new BadAnswer("A line of the answer's head is no header.");
    const value = valueFrom(line, colon + 1);
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** Without the spaces and tabs around it. `trim` would take more: a byte of a letter may be what JavaScript takes for a space. */
function valueFrom(line: string, begin: number): string {
  let from = begin;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return line.slice(from, to);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

function framingOf(status: number, headers: PlainHeaders, method: string): AnswerFraming {
  if (method === "HEAD" || status === 204 || status === 304) return 0;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw new BadAnswer("The answer has a transfer coding that is not known.");
    // RFC 9112 §6.3: the chunks decide, and whoever reads on must not see the other.
    delete headers["content-length"];
    return "chunks";
  }
  const length = headers["content-length"];
  if (length === undefined) return "close";
  if (LENGTH.test(length)) return Number(length);
  const [first = "", ...others] = length.split(",").map((each) => each.trim());
  if (!LENGTH.test(first) || others.some((other) => other !== first))
    throw new BadAnswer("The answer has no valid length.");
  headers["content-length"] = first;
  return Number(first);
}
