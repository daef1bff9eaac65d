/** Each request gets an id of its own; answers, problem documents and log lines carry it. */
export const REQUEST_ID = "x-request-id";

/** @param headers those of the answer (`set.headers`), where the perimeter has put the id */
export function requestIdOf(headers: Readonly<Record<string, unknown>>): string {
  const id = headers[REQUEST_ID];
  return typeof id === "string" ? id : "unknown";
}
