/**
 * One SSE answer: heartbeats, a bounded buffer, clean-up when the client leaves, and an `error` event instead of an
 * end that looks like success.
 */
import { maySilence, type Timed } from "./idle-time.ts";
import { problemOf } from "./problem.ts";
import { frame, HEARTBEAT, retryFrame, type SseMessage } from "./sse-frame.ts";

/** The part of a route's context that a stream needs. `server` is null in tests without a listening server. */
export interface SseContext {
  readonly request: Request;
  readonly server: Timed;
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
  /** Ignored after the end. Never throws, never waits. An object that was sent before, to whomever, is not serialised again. */
  send(message: SseMessage): void;
  /** Ends the stream; with an error the client is told first. */
  end(error?: unknown): void;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};
const DEFAULTS: Required<SseOptions> = { retryMs: 2_000, heartbeatMs: 15_000, maxQueuedBytes: 1024 * 1024 };

/** Bun's "direct" stream: what is written goes to the socket at once, and a write that the socket could not take says so. */
interface Sink {
  /** A promise when bytes are left behind because the reader does not keep up; it resolves when they have gone. */
  write(bytes: Uint8Array): number | Promise<unknown>;
  flush(): unknown;
  end(): unknown;
  /** Cuts the connection; what was left behind is given up. */
  close(reason: Error): unknown;
}

class Connection implements SseStream {
  readonly #gone = new AbortController();
  readonly #over = Promise.withResolvers<void>();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #leave = () => this.drop();
  /** Bytes written since the reader stopped keeping up. */
  #held = 0;
  /** Resolves when the reader has caught up. */
  #drained: Promise<void> | null = null;

  constructor(
    private readonly context: SseContext,
    private readonly sink: Sink,
    heartbeatMs: number,
    private readonly maxHeldBytes: number,
  ) {
    this.#heartbeat = setInterval(() => this.write(HEARTBEAT), heartbeatMs);
    context.request.signal.addEventListener("abort", this.#leave);
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get lastEventId(): string | null {
    return this.context.request.headers.get("last-event-id");
  }

  /** Resolves when the stream has ended, whichever way. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Null unless the reader lags behind. */
  get drained(): Promise<void> | null {
    return this.#drained;
  }

  send(message: SseMessage): void {
    this.write(frame(message));
  }

  /** A client that has not taken what is held is dropped: it reconnects and gets a snapshot, others lose nothing. */
  write(bytes: Uint8Array): void {
    if (this.signal.aborted) return;
    if (this.#held > 0 && this.#held + bytes.byteLength > this.maxHeldBytes) {
      this.drop();
      return;
    }
    const taken = this.sink.write(bytes);
    this.sink.flush();
    if (!(taken instanceof Promise)) return;
    this.#held += bytes.byteLength;
    this.#drained ??= taken.then(
      () => this.#caughtUp(),
      () => this.#caughtUp(),
    );
  }

  end(error?: unknown): void {
    if (this.signal.aborted) return;
    if (error !== undefined) {
      const requestId = this.context.set.headers["x-request-id"];
      this.send({ event: "error", data: problemOf(error, typeof requestId === "string" ? requestId : "unknown") });
    }
    if (this.release()) this.sink.end();
  }

  drop(): void {
    // Ending would wait for a reader that does not read.
    if (this.release()) this.sink.close(new DOMException("the client is gone or does not read", "AbortError"));
  }

  /** @returns false when it had been released before */
  release(): boolean {
    if (this.signal.aborted) return false;
    clearInterval(this.#heartbeat);
    this.context.request.signal.removeEventListener("abort", this.#leave);
    maySilence(this.context.server, this.context.request, false);
    this.#gone.abort();
    this.#over.resolve();
    return true;
  }

  #caughtUp(): void {
    this.#held = 0;
    this.#drained = null;
  }
}

function answer(context: SseContext, options: SseOptions, start: (stream: Connection) => void): Response {
  // HEAD asks what GET would say; starting the source for it would run it for nobody.
  if (context.request.method === "HEAD") return new Response(null, { headers: HEADERS });
  const { retryMs, heartbeatMs, maxQueuedBytes } = { ...DEFAULTS, ...options };
  maySilence(context.server, context.request, true);
  let connection: Connection | undefined;
  const source = {
    type: "direct",
    pull(sink: Sink) {
      connection = new Connection(context, sink, heartbeatMs, maxQueuedBytes);
      connection.write(retryFrame(retryMs));
      start(connection);
      if (context.request.signal.aborted) connection.drop();
      return connection.over;
    },
    cancel: () => void connection?.release(),
  };
  return new Response(new ReadableStream(source as unknown as UnderlyingDefaultSource<Uint8Array>), {
    headers: HEADERS,
  });
}

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
    void pump(stream, source);
  });
}

async function pump(stream: Connection, source: AsyncIterator<SseMessage>): Promise<void> {
  try {
    while (!stream.signal.aborted) {
      const { done, value } = await source.next();
      if (done) return stream.end();
      stream.send(value);
      await stream.drained;
    }
  } catch (error) {
    stream.end(error);
  }
}
