/**
 * The errors that a caller may see. A `Fault` says what went wrong in words an owner understands; `kind` is what
 * the HTTP layer turns into a status (lib/http/problem.ts), so that nothing in lib needs to know HTTP.
 */
export type FaultKind =
  | "malformed" // 400: not even parseable
  | "forbidden" // 403
  | "not_found" // 404
  | "slow" // 408: the client took too long to send
  | "conflict" // 409
  | "too_large" // 413
  | "invalid" // 422: parseable, but not acceptable
  | "locked" // 423
  | "internal" // 500
  | "upstream" // 502: a Spark or a service failed
  | "unavailable" // 503: not configured, shutting down
  | "timeout"; // 504

/** The HTTP status that says the same, for those who answer or keep it. */
export const FAULT_STATUS: Readonly<Record<FaultKind, number>> = {
  malformed: 400,
  forbidden: 403,
  not_found: 404,
  slow: 408,
  conflict: 409,
  too_large: 413,
  invalid: 422,
  locked: 423,
  internal: 500,
  upstream: 502,
  unavailable: 503,
  timeout: 504,
};

export class Fault extends Error {
  override readonly name: string = "Fault";

  /**
   * @param kind    what sort of failure it is; decides the HTTP status
   * @param code    a stable identifier in snake_case, such as `swap_running`; clients branch on it
   * @param message one sentence for a person; never contains a secret
   * @param members extension members of the problem document, such as `job_id`
   */
  constructor(
    readonly kind: FaultKind,
    readonly code: string,
    message: string,
    readonly members: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

const LOST = new Set(["ssh_unknown", "ssh_timeout"]);

/** Whether a Spark was told something and its answer got lost: it may have had its effect, and only a look there tells. */
export const isAnswerLost = (error: unknown): error is Fault => error instanceof Fault && LOST.has(error.code);

/** By code, which is what is kept of a fault. */
const SENDERS: ReadonlySet<string> = new Set(["too_large", "upload_too_slow"]);

/** Whether it lies in the body that was sent, or in how it was: nothing that it went to has failed. */
export const isSenders = (fault: { readonly code: string } | null): boolean =>
  fault !== null && SENDERS.has(fault.code);

interface Ended {
  readonly outcome: string;
  /** Of the answer; null: there was none. */
  readonly status: number | null;
  /** What was told in the place of an answer. */
  readonly fault: { readonly code: string } | null;
}

const UPSTREAM_BROKEN = 500;

/** Whether a request was failed by what it went to: no answer, a broken one, or a status from 500 on. */
export function hasUpstreamFailed({ outcome, status, fault }: Ended): boolean {
  if (outcome === "refused") return false;
  return (outcome === "failed" && !isSenders(fault)) || (status !== null && status >= UPSTREAM_BROKEN);
}
