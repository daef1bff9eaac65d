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
const LINE_END = "\r\n";
const END = LINE_END + LINE_END;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |\r\n|$)/;
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
  const text = bytes.toString("latin1", begin, end);
  const line = STATUS_LINE.exec(text);
  if (line === null) throw new BadAnswer("The answer begins with no status.");
  const status = Number(line[2]);
  if (status === 101) throw new BadAnswer("The protocol was changed, and nobody had asked for it.");
  const headers = fields(text);
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

/** @param head its first line is the status */
function fields(head: string): PlainHeaders {
  const headers: PlainHeaders = Object.create(null);
  for (let end = head.indexOf(LINE_END); end !== -1; ) {
    const begin = end + LINE_END.length;
    end = head.indexOf(LINE_END, begin);
    const lineEnd = end === -1 ? head.length : end;
    const colon = head.indexOf(":", begin);
    const name = colon === -1 || colon > lineEnd ? "" : head.slice(begin, colon).toLowerCase();
    if (!NAME.test(name)) throw new BadAnswer("A line of the answer's head is no header.");
    const value = valueBetween(head, colon + 1, lineEnd);
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** Without the spaces and tabs around it. `trim` would take more: a byte of a letter may be what JavaScript takes for a space. */
function valueBetween(head: string, begin: number, end: number): string {
  let from = begin;
  let to = end;
  while (from < to && isBlank(head.charCodeAt(from))) from++;
  while (to > from && isBlank(head.charCodeAt(to - 1))) to--;
  return head.slice(from, to);
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
