/** One request to an upstream and its answer back, byte for byte. */
import { Fault } from "../fault.ts";
import { hasToken, TOKEN_PREFIX } from "../token-text.ts";
import type { Answer } from "./answer.ts";
import type { Body } from "./body.ts";
import type { Question } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { Deadlines } from "./deadlines.ts";
import { errorEvent } from "./error-event.ts";
import { type PlainHeaders, requestLines, responseHeaders } from "./headers.ts";
import { LastWord } from "./last-word.ts";
import type { Uploading } from "./late-body.ts";
import { type Lasting, Moment } from "./moment.ts";
import type { Patience } from "./patience.ts";
import { ClientLeft, causeOf, type Outcome, relay, upstreamFault } from "./relay.ts";
import { Stop } from "./stop.ts";
import type { Passed } from "./trace.ts";
import { nobodyReads } from "./unanswered.ts";
import { Tail, type Usage, usageOf } from "./usage.ts";
import { WholeEvents } from "./whole-events.ts";

export interface Upstream {
  /** For people. */
  readonly name: string;
  /** `http://<address>:<port>`. */
  readonly origin: string;
  /** `Host` where it is not the origin's: a name that was resolved beforehand. */
  readonly host: string | null;
}

/** A request as it passes; made before its body is read, so that the body's end can be told to it. */
export class Passage implements Passed, Lasting, Uploading {
  readonly #stop = new Stop();
  /** Made where they are needed: nearly all requests are over before. */
  #deadlines: Deadlines | null = null;
  readonly #moment = new Moment(this);
  /** Ends the listening to its client's signal, once that is listened to. */
  #listens: (() => void) | null = null;
  #over = false;
  #uploaded = false;
  #hasHead = false;
  #isAnswering = false;
  bytesIn = 0;
  bytesOut = 0;
  firstByteAt: number | null = null;
  /** By `performance.now()`: since when it is the upstream's turn; null: not all of the body is there yet. */
  askedAt: number | null = null;
  tokensIn: number | null = null;
  tokensOut: number | null = null;

  constructor(
    private readonly request: Request,
    private readonly upstream: Upstream,
    private readonly patience: Patience,
    private readonly connections: Connections,
    /** The request is over, whichever way; called exactly once. With what went wrong, where that is known. */
    private readonly onEnd: (outcome: Outcome, passage: Passage, fault: Fault | null) => void,
    /** It is not over after a moment. */
    private readonly onLasting: () => void = () => undefined,
  ) {}

  /** Not over after a moment: from now on its client is listened to, and its deadlines are watched. */
  lasts(): void {
    this.onLasting();
    const { signal } = this.request;
    const leave = () => this.#cut(new ClientLeft(), "left");
    signal.addEventListener("abort", leave, { once: true });
    // A signal that was made of others lives with its listeners as long as those do.
    this.#listens = () => signal.removeEventListener("abort", leave);
    if (signal.aborted) leave();
    else this.#watched().begin();
  }

  #watched(): Deadlines {
    if (this.#deadlines) return this.#deadlines;
    this.#deadlines = new Deadlines(this.upstream.name, this.patience, (fault) => this.#cut(fault, "failed"));
    this.#turn();
    return this.#deadlines;
  }

  /** Whose turn it is: with all of the upload there it is the upstream's. */
  #turn(): void {
    if (!this.#uploaded || this.#over) return;
    if (this.#hasHead) this.#deadlines?.answering();
    else this.#deadlines?.sent();
  }

  uploaded(bytes: number): void {
    this.bytesIn = bytes;
  }

  /** With the upstream, too. */
  #taken(): void {
    this.#uploaded = true;
    this.askedAt = performance.now();
    this.#turn();
  }

  uploadFailed(error: unknown): void {
    this.#stop.stop(error instanceof Fault ? error : new ClientLeft());
  }

  /** @throws Fault; the client gets it as an answer */
  async forward(path: string, body: Body, onHead: (status: number) => void = () => undefined): Promise<Response> {
    const { upstream, patience } = this;
    const { content } = body;
    if (content === null || content instanceof Uint8Array) {
      this.uploaded(content?.byteLength ?? 0);
      this.#taken();
    }
    try {
      const question = this.#question(path, body);
      const answer = await this.connections.ask(upstream.origin, question, patience.connectMs, this.#stop);
      onHead(answer.status);
      const answered = this.#answer(answer, path);
      return answered instanceof Promise ? await answered : answered;
    } catch (error) {
      const cause = causeOf(error, this.#stop);
      // Whatever is left of the upload, nobody waits for it.
      if (content instanceof ReadableStream && !content.locked) void content.cancel(cause).catch(() => undefined);
      this.#stop.stop(cause instanceof Error ? cause : new Error(String(cause)));
      if (cause instanceof ClientLeft) {
        this.end("left");
        return nobodyReads();
      }
      const fault = upstreamFault(upstream.name, cause);
      this.end("failed", fault);
      throw fault;
    }
  }

  #question(path: string, body: Body): Question {
    const { request, upstream } = this;
    const { method } = request;
    const { content } = body;
    const isStreamed = content instanceof ReadableStream;
    const length = isStreamed ? body.length : (content?.byteLength ?? (method === "POST" ? 0 : null));
    const host = upstream.host ?? upstream.origin.slice("http://".length);
    const coding = isStreamed && length === null ? "transfer-encoding: chunked\r\n" : "";
    const head = `${method} ${path} HTTP/1.1\r\n${requestLines(request.headers, length, host)}${coding}\r\n`;
    // Bun's server lets nothing of that kind in; written as bytes, some of it would become line ends.
    if (NO_HEADER_TEXT.test(head))
      throw new Fault("malformed", "header_malformed", "A header has characters that no header may have.");
    // The one header for it has stayed behind.
    if ((head.includes(TOKEN_PREFIX) && hasToken(head)) || (path.includes("%") && hasToken(path)))
      throw new Fault(
        "malformed",
        "token_misplaced",
        "A reservation's token stands in the address or in a header that goes to the model. Send it as X-Swap-Lock-Token only.",
      );
    const question = { method, head, body, stallMs: this.patience.silenceMs };
    return isStreamed ? { ...question, onTaken: () => this.#taken() } : question;
  }

  /** Ends it from outside. An answer that is on its way may have nobody who reads it and would notice: its place is free now. */
  #cut(reason: Error, outcome: Outcome): void {
    this.#stop.stop(reason);
    if (this.#isAnswering) this.end(outcome, reason instanceof Fault ? reason : null);
  }

  end(outcome: Outcome, fault: Fault | null = null): void {
    if (this.#over) return;
    this.#over = true;
    this.#moment.over();
    this.#listens?.();
    this.#deadlines?.over();
    this.onEnd(outcome, this, fault);
  }

  /** At once where all that is needed is there already. */
  #answer(answer: Answer, path: string): Response | Promise<Response> {
    const { status } = answer;
    const headers = responseHeaders(answer.headers);
    if (this.request.method === "HEAD" || NO_BODY.has(status)) {
      answer.cancel();
      const response = new Response(null, { status, headers });
      this.end("complete");
      return response;
    }
    this.#hasHead = true;
    // A head may come before all of the upload has: then silence counts from the end of the upload, or from the first piece on.
    this.#turn();
    const isPlain = /^(identity)?$/i.test(headers["content-encoding"] ?? "");
    const length = Number(headers["content-length"] ?? Number.NaN);
    const isEvents = isPlain && /^text\/event-stream\b/i.test(headers["content-type"] ?? "");
    // Whole where it is short and says so: a break in the middle can then still be told as an error. Events never wait for each other.
    if (length <= WHOLE_BYTES && !isEvents) {
      const bytes = answer.whole();
      if (!(bytes instanceof Promise)) return this.#told(bytes, isPlain, status, headers);
      return bytes.then((all) => this.#told(all, isPlain, status, headers));
    }
    this.#isAnswering = true;
    const lastWord = isEvents && !answer.isFramed ? LastWord.of(path) : null;
    const tail = isPlain ? new Tail() : null;
    const deadlines = this.#watched();
    const body = relay(answer, {
      deadlines,
      stop: this.#stop,
      epitaph: isEvents ? (error) => errorEvent(upstreamFault(this.upstream.name, error)) : null,
      events: isEvents ? new WholeEvents() : null,
      isWhole: () => lastWord?.isSaid ?? true,
      onPiece: (piece) => {
        if (this.firstByteAt === null && !this.#uploaded) deadlines.answering();
        this.firstByteAt ??= performance.now();
        this.bytesOut += piece.byteLength;
        tail?.push(piece);
        lastWord?.push(piece);
      },
      onEnd: (outcome, error) => {
        if (tail) this.#used(tail.usage());
        this.end(outcome, outcome === "failed" ? upstreamFault(this.upstream.name, error) : null);
      },
    });
    return new Response(body, { status, headers });
  }

  /** The answer to its end, all at once. */
  #told(bytes: Uint8Array, isPlain: boolean, status: number, headers: PlainHeaders): Response {
    this.bytesOut = bytes.byteLength;
    if (this.bytesOut > 0) this.firstByteAt = performance.now();
    if (isPlain) this.#used(usageOf(bytes));
    // Made first: headers that no answer may have are the upstream's failure.
    const response = new Response(bytes as BodyInit, { status, headers });
    this.end("complete");
    return response;
  }

  #used({ tokensIn, tokensOut }: Usage): void {
    this.tokensIn = tokensIn;
    this.tokensOut = tokensOut;
  }
}

const NO_HEADER_TEXT = /[^\t\r\n\x20-\xff]/;
const WHOLE_BYTES = 64 * 1024;
const NO_BODY = new Set([204, 205, 304]);
