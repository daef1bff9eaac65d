/**
 * The answer to a request that waits for its model. A caller that streams gets comments meanwhile, so that neither it nor
 * what lies between takes the silence for a dead connection; status and headers are then out, and an error is an event.
 */
import { Fault } from "../fault.ts";
import { errorEvent, passedErrorEvent } from "./error-event.ts";

/** Until the first comment: a refusal that comes sooner still has its status. */
const FIRST_COMMENT_MS = 5_000;
const COMMENT_MS = 10_000;
const COMMENT = new TextEncoder().encode(": waiting for the model\n\n");
const LONGEST_ERROR_BYTES = 64 * 1024;

/**
 * @param answer the upstream's, once the model is there
 * @param leave called when the client has gone
 */
export async function heldAnswer(
  answer: Promise<Response>,
  leave: () => void,
  firstCommentMs = FIRST_COMMENT_MS,
): Promise<Response> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), firstCommentMs);
  });
  const soon = await Promise.race([answer, late]).finally(() => clearTimeout(timer));
  if (soon) return soon;
  return new Response(commented(answer, leave), {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

function commented(answer: Promise<Response>, leave: () => void): ReadableStream<Uint8Array> {
  let beat: ReturnType<typeof setInterval> | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  let isOver = false;
  const begun = Promise.withResolvers<void>();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(COMMENT);
        beat = setInterval(() => controller.enqueue(COMMENT), COMMENT_MS);
        const begin = async () => {
          const response = await answer.finally(() => clearInterval(beat));
          if (isOver) return void (await response.body?.cancel());
          if (!isEvents(response)) {
            controller.enqueue(await errorOf(response));
            controller.close();
            begun.resolve();
            return;
          }
          reader = (response.body as ReadableStream<Uint8Array>).getReader();
          begun.resolve();
        };
        begin().catch((error) => {
          if (isOver) return;
          isOver = true;
          controller.enqueue(errorEvent(faultOf(error)));
          controller.close();
          begun.resolve();
        });
      },
      async pull(controller) {
        await begun.promise;
        if (!reader || isOver) return;
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        isOver = true;
        clearInterval(beat);
        leave();
        begun.resolve();
        await reader?.cancel().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function isEvents({ status, headers, body }: Response): boolean {
  const isPlain = /^(identity)?$/i.test(headers.get("content-encoding") ?? "");
  return status === 200 && body !== null && isPlain && /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
}

/** What the upstream answered instead of events. */
async function errorOf(response: Response): Promise<Uint8Array> {
  const text = await response.text().catch(() => "");
  if (text.length <= LONGEST_ERROR_BYTES)
    try {
      const { error } = JSON.parse(text) as { error?: unknown };
      if (error) return passedErrorEvent({ failed_by: "upstream", ...(error as object) });
    } catch {
      // No JSON: only its status can be told.
    }
  const message = `The model answered with status ${response.status} and no events.`;
  return errorEvent(new Fault("upstream", "upstream_failed", message));
}

function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault("internal", "internal", "Something went wrong inside Spark Control.", {}, { cause: error });
}
