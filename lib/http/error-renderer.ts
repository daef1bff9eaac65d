/** Elysia's errors and ours, turned into one kind of answer. Registered before anything else. */
import { type AnyElysia, ValidationError } from "elysia";
import { Fault } from "../fault.ts";
import type { Logger } from "../log.ts";
import { type InvalidField, type ProblemDocument, problem, problemOf, problemResponse } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";
import { pathOfUrl } from "./url-path.ts";

/** Only what the schema says: TypeBox's own messages quote the schema, `summary` and `value` quote the submitter. */
function invalidFields(error: ValidationError): InvalidField[] {
  return error.all.map((issue) => {
    const at = "path" in issue && typeof issue.path === "string" ? issue.path : "";
    const message = "message" in issue && typeof issue.message === "string" ? issue.message : "is not acceptable";
    return { path: at, in: error.type, message };
  });
}

function validationProblem(error: ValidationError, requestId: string): ProblemDocument {
  const errors = invalidFields(error);
  const first = errors[0];
  const where = first ? ` at ${first.in}${first.path}: ${first.message}` : "";
  return problem(422, "invalid", `The request does not have the expected shape${where}.`, requestId, { errors });
}

function documentOf(code: string | number, error: unknown, requestId: string): ProblemDocument {
  if (error instanceof Fault) return problemOf(error, requestId);
  if (error instanceof ValidationError && error.type !== "response") return validationProblem(error, requestId);
  if (code === "NOT_FOUND") return problem(404, "not_found", "There is nothing at this address.", requestId);
  if (code === "PARSE") {
    // Elysia wraps what a parser throws.
    if (error instanceof Error && error.cause instanceof Fault) return problemOf(error.cause, requestId);
    return problem(422, "malformed", "The body could not be read.", requestId);
  }
  if (code === "INVALID_FILE_TYPE") return problem(422, "invalid", "A file is not of an accepted type.", requestId);
  return problemOf(error, requestId);
}

/** Addresses of programs: a browser there gets the problem document too. */
const FOR_PROGRAMS = /^\/(api|v1)(\/|$)/;

function isPersonLooking(request: Request, path: string): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  return !FOR_PROGRAMS.test(path) && (request.headers.get("accept") ?? "").includes("text/html");
}

/**
 * @param log   gets every answer of 500 and above with its cause
 * @param page  for a person who opened an address where nothing is
 */
export function renderErrors(app: AnyElysia, log: Logger, page?: (request: Request) => Response): void {
  app.onError({ as: "global" }, ({ code, error, request, set }) => {
    const requestId = requestIdOf(set.headers);
    const document = documentOf(code, error, requestId);
    const path = pathOfUrl(request.url);
    if (page && code === "NOT_FOUND" && isPersonLooking(request, path)) return page(request);
    // A validation error's message and value hold what was sent or what would have been answered: neither is logged.
    note(
      log,
      request.method,
      path,
      document,
      error instanceof ValidationError ? { mismatch: invalidFields(error) } : { error },
    );
    return problemResponse(path, document);
  });
}

/** The answer to what a route threw that is not Elysia's. @param log as above */
export function renderThrown(error: unknown, { method, url }: Request, requestId: string, log: Logger): Response {
  const path = pathOfUrl(url);
  const document = problemOf(error, requestId);
  note(log, method, path, document, { error });
  return problemResponse(path, document);
}

function note(
  log: Logger,
  method: string,
  path: string,
  document: ProblemDocument,
  cause: Record<string, unknown>,
): void {
  const { status } = document;
  if (status < 500) return;
  const about = { request_id: document.request_id, method, path, status };
  // "Come again later" is no failure: under overload it would fill the log with itself.
  if (status === 503) log.info("request put off", { ...about, code: document.code });
  else log.error("request failed", { ...about, ...cause });
}
