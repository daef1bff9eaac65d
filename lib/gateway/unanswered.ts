/** What a request is told that has no answer of an upstream. */
import { Fault } from "../fault.ts";
import { ClientLeft } from "./relay.ts";
import type { Trace } from "./trace.ts";

/** nginx's word for it; nobody reads it. */
const CLIENT_CLOSED_REQUEST = 499;

/** Noted in the trace. @throws the error; a client that has left gets no answer, and is nobody's failure */
export function unanswered(error: unknown, request: Request, trace: Trace): Response {
  if (!(error instanceof ClientLeft) && !request.signal.aborted) {
    trace.endedBy(error);
    throw error;
  }
  trace.end("left");
  return nobodyReads();
}

export const nobodyReads = (): Response => new Response(null, { status: CLIENT_CLOSED_REQUEST });

/** A transcription that failed inside its service: the service may need a moment, and the client asks again. */
export function retryLater(name: string): Fault {
  return new Fault(
    "unavailable",
    "transcription_failed",
    `${name} failed at this transcription. Try again in a minute.`,
    {
      retry_after_seconds: 60,
      failed_by: "upstream",
    },
  );
}
