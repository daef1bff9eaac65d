/** The one place where an error becomes an answer: RFC 9457 problem+json, and OpenAI's envelope below `/v1/`. */
import { STATUS_CODES } from "node:http";
import { FAULT_STATUS, Fault, type FaultKind } from "../fault.ts";
import { withoutTokens } from "../token-text.ts";

export interface InvalidField {
  /** JSON Pointer into the part that `in` names. */
  readonly path: string;
  readonly in: string;
  readonly message: string;
}

export interface ProblemDocument {
  /** `urn:spark-control:problem:<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable, snake_case; clients branch on it. */
  readonly code: string;
  readonly request_id: string;
  readonly errors?: readonly InvalidField[];
  readonly [member: string]: unknown;
}

export const statusOf = (kind: FaultKind): number => FAULT_STATUS[kind];

/** @param detail one sentence for a person, without secrets; of what was submitted names only, which a token may stand for */
export function problem(
  status: number,
  code: string,
  detail: string,
  requestId: string,
  members: Readonly<Record<string, unknown>> = {},
): ProblemDocument {
  const title = STATUS_CODES[status] ?? "Error";
  // Members first: an extension must not be able to replace a member that the standard defines.
  return {
    ...members,
    type: `urn:spark-control:problem:${code}`,
    title,
    status,
    detail: withoutTokens(detail),
    code,
    request_id: requestId,
  };
}

/** The document of anything thrown that is not Elysia's own; the message of an unknown error stays in the log. */
export function problemOf(error: unknown, requestId: string): ProblemDocument {
  if (error instanceof Fault) return problem(statusOf(error.kind), error.code, error.message, requestId, error.members);
  return problem(
    500,
    "internal",
    "Something went wrong inside Spark Control; the log has it by request id.",
    requestId,
  );
}

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

/** Members of a problem document that the envelope has under another name, or that are headers. */
const NO_MEMBERS = new Set([
  ...["type", "title", "status", "detail", "code", "request_id", "param", "failed_by", "errors"],
  ...["should_retry", "retry_after_seconds"],
]);

/** Where errors are told in OpenAI's way. */
export const isOpenAiPath = (path: string): boolean => path.startsWith("/v1/") || path === "/tokenize";

/**
 * OpenAI's error envelope. `failed_by` says whether the controller or the service behind it failed: `upstream` only
 * for a Fault that names it, by its kind or in words. Extension members are members of the error.
 */
export function openAiError(document: ProblemDocument) {
  const type = OPENAI_TYPES[document.status] ?? (document.status < 500 ? "invalid_request_error" : "server_error");
  const isUpstream = document.status === 502 || document.status === 504;
  const failed_by = isUpstream || document.failed_by === "upstream" ? "upstream" : "controller";
  const param = typeof document.param === "string" ? document.param : null;
  const error = {
    ...Object.fromEntries(Object.entries(document).filter(([name]) => !NO_MEMBERS.has(name))),
    message: document.detail,
    type,
    param,
    code: document.code,
    failed_by,
    request_id: document.request_id,
  };
  return { error };
}

/** The answer for a path: its own dialect, and the headers that go with the status. */
export function problemResponse(
  path: string,
  document: ProblemDocument,
  headers: Record<string, string> = {},
): Response {
  const isOpenAi = isOpenAiPath(path);
  const type = isOpenAi ? "application/json" : "application/problem+json";
  const all: Record<string, string> = { "content-type": type, "cache-control": "no-store", ...headers };
  if (typeof document.retry_after_seconds === "number") all["retry-after"] = String(document.retry_after_seconds);
  // OpenAI's clients ask again after 409 and 5xx unless told otherwise.
  if (document.should_retry === false) all["x-should-retry"] = "false";
  return new Response(JSON.stringify(isOpenAi ? openAiError(document) : document), {
    status: document.status,
    headers: all,
  });
}
