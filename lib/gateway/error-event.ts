/** An error as the last event of a stream, of the shape that OpenAI's clients raise. */
import type { Fault } from "../fault.ts";

const encoder = new TextEncoder();

/** Empty lines first: whatever came before is over. */
export function errorEvent({ kind, code, message, members }: Fault): Uint8Array {
  const isUpstream = kind === "upstream" || kind === "timeout" || members.failed_by === "upstream";
  const type = kind === "not_found" ? "not_found_error" : kind === "locked" ? "invalid_request_error" : "server_error";
  const param = typeof members.param === "string" ? members.param : null;
  return passedErrorEvent({ message, type, param, code, failed_by: isUpstream ? "upstream" : "controller" });
}

/** @param error the member `error` of an answer */
export function passedErrorEvent(error: unknown): Uint8Array {
  return encoder.encode(`\n\nevent: error\ndata: ${JSON.stringify({ error })}\n\n`);
}
