/**
 * One SSE answer: heartbeats, a bounded buffer, clean-up when the client leaves, and an `error` event instead of an
 * end that looks like success.
 */
import { problemOf } from "./problem.ts";
import { frame, HEARTBEAT, retryFrame, type SseMessage } from "./sse-frame.ts";

/** The part of a route's context that a stream needs. `server` is null in tests without a listening server. */
export interface SseContext {
  readonly request: Request;
  readonly server: { timeout(request: Request, seconds: number): void } | null;
  readonly set: { readonly headers: Readonly<Record<string, unknown>> };
}

export interface SseOptions {
  /** Milliseconds after which a browser reconnects. */
  readonly retryMs?: number;
  readonly heartbeatMs?: number;
  /** Bytes kept for a client that does not read; beyond it the client is dropped. */
  readonly maxQueuedBytes?: number;
}

export interface SseStream {
  /** Aborted when the client has left, was dropped, or the stream has ended. */
  readonly signal: AbortSignal;
  /** Where a reconnecting client stopped; null at the first connection. */
  readonly lastEventId: string | null;
  /** Ignored after the end. Never throws, never waits. */
  send(message: SseMessage): void;
  /** The same with a message that was serialised before, so that many streams share its bytes. */
  write(frame: Uint8Array): void;
  /** Ends the stream; with an error the client is told first. */
  end(error?: unknown): void;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};
const DEFAULTS: Required<SseOptions> = { retryMs: 2_000, heartbeatMs: 15_000, maxQueuedBytes: 1024 * 1024 };

class Connection implements SseStream {
  readonly #gone = new AbortController();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #leave = () => this.drop();
  #controller: ReadableStreamDefaultController<Uint8Array>;

  constructor(
    private readonly context: SseContext,
    controller: ReadableStreamDefaultController<Uint8Array>,
    heartbeatMs: number,
  ) {
    this.#controller = controller;
    this.#heartbeat = setInterval(() => this.write(HEARTBEAT), heartbeatMs);
    context.request.signal.addEventListener("abort", this.#leave);
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get lastEventId(): string | null {
    return this.context.request.headers.get("last-event-id");
  }

  send(message: SseMessage): void {
    this.write(frame(message));
  }

  /** A client that has not taken what is queued is dropped: it reconnects and gets a snapshot, others lose nothing. */
  write(bytes: Uint8Array): void {
    if (this.signal.aborted) return;
    if ((this.#controller.desiredSize ?? 0) > 0) this.#controller.enqueue(bytes);
    else this.drop();
  }

  end(error?: unknown): void {
    if (this.signal.aborted) return;
    if (error !== undefined) {
      const requestId = this.context.set.headers["x-request-id"];
      this.send({ event: "error", data: problemOf(error, typeof requestId === "string" ? requestId : "unknown") });
    }
    if (this.release()) this.#controller.close();
  }

  drop(): void {
    // Closing would wait for a reader that does not read; an error discards the queue.
    if (this.release()) this.#controller.error(new DOMException("the client is gone or does not read", "AbortError"));
  }

  /** @returns false when it had been released before */
  release(): boolean {
    if (this.signal.aborted) return false;
    clearInterval(this.#heartbeat);
    this.context.request.signal.removeEventListener("abort", this.#leave);
    this.#gone.abort();
    return true;
  }
}

function answer(context: SseContext, options: SseOptions, start: (stream: Connection) => Pull | undefined): Response {
  // HEAD asks what GET would say; starting the source for it would run it for nobody.
  if (context.request.method === "HEAD") return new Response(null, { headers: HEADERS });
  const { retryMs, heartbeatMs, maxQueuedBytes } = { ...DEFAULTS, ...options };
  context.server?.timeout(context.request, 0);
  let connection: Connection;
  let pull: Pull | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        connection = new Connection(context, controller, heartbeatMs);
        connection.write(retryFrame(retryMs));
        pull = start(connection);
        if (context.request.signal.aborted) connection.drop();
      },
      pull: () => pull?.(),
      cancel: () => void connection.release(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxQueuedBytes }),
  );
  return new Response(body, { headers: HEADERS });
}

type Pull = () => Promise<void>;

/**
 * A stream that is pushed to. `open` subscribes to its source and returns how to unsubscribe; that is called exactly
 * once, whichever way the stream ends.
 */
export function pushStream(
  context: SseContext,
  open: (stream: SseStream) => (() => void) | undefined,
  options: SseOptions = {},
): Response {
  return answer(context, options, (stream) => {
    try {
      const close = open(stream);
      if (stream.signal.aborted) close?.();
      else if (close) stream.signal.addEventListener("abort", close, { once: true });
    } catch (error) {
      stream.end(error);
    }
    return undefined;
  });
}

/**
 * A stream that is pulled from a generator, no faster than the client reads. The generator must end when the signal
 * aborts; its `finally` runs then.
 */
export function pullStream(
  context: SseContext,
  generate: (stream: Pick<SseStream, "signal" | "lastEventId">) => AsyncIterator<SseMessage>,
  options: SseOptions = {},
): Response {
  return answer(context, options, (stream) => {
    const source = generate(stream);
    stream.signal.addEventListener("abort", () => void source.return?.()?.catch(() => undefined), { once: true });
    return async () => {
      try {
        const { done, value } = await source.next();
        if (done) stream.end();
        else stream.send(value);
      } catch (error) {
        stream.end(error);
      }
    };
  });
}
