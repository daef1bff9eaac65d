/** Structured log: one JSON object a line on standard output. Secrets are kept out by the name of their key, tokens by their look. */
import { withoutTokens } from "./token-text.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line, such as `{ request_id }`. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Lines below this level are dropped. Default: `LOG_LEVEL` of the environment, else `info`. */
  readonly level?: LogLevel;
  /** Takes one line without its newline. Default: standard output. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly fields?: LogFields;
}

const SECRET_NAME = /(^|[_-])(token|secret|authorization|password|passphrase|key|cookie)$/i;
/** Names that end in "key" and hold no secret. */
const HARMLESS_NAME = /^(model_key|host_key|key_type)$/i;
const MAX_DEPTH = 6;

/** Camel case counts as snake case: `lockToken` is as secret as `lock_token`. */
function isSecret(name: string): boolean {
  const snake = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return SECRET_NAME.test(snake) && !HARMLESS_NAME.test(snake);
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return withoutTokens(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (value === null || typeof value !== "object") return value;
  if (depth >= MAX_DEPTH) return "[too deep]";
  if (value instanceof Error) return plain({ name: value.name, message: value.message, stack: value.stack }, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return redacted(value as Record<string, unknown>, depth + 1);
}

function redacted(fields: LogFields, depth: number): Record<string, unknown> {
  const answer: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    answer[name] = isSecret(name) && value !== null && value !== undefined ? "[redacted]" : plain(value, depth);
  }
  return answer;
}

/** An unknown or missing name counts as `info`. */
export function logLevel(name: string | undefined): LogLevel {
  const wanted = name?.trim().toLowerCase();
  return LOG_LEVELS.find((level) => level === wanted) ?? "info";
}

/** @returns a logger whose methods never throw, whatever they are given */
export function createLogger(options: LoggerOptions = {}): Logger {
  const lowest = LOG_LEVELS.indexOf(options.level ?? logLevel(process.env.LOG_LEVEL));
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const now = options.now ?? Date.now;

  const log = (level: LogLevel, message: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(level) < lowest) return;
    try {
      const head = { at: new Date(now()).toISOString().replace("Z", "+00:00"), level, message };
      write(JSON.stringify({ ...head, ...redacted({ ...options.fields, ...fields }, 0) }));
    } catch {
      // A line that cannot be written must not break what it is about.
    }
  };

  return {
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    child: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
  };
}
