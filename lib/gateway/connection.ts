/**
 * One connection to an upstream, for one request at a time. Made here and not by `fetch`, which takes the reset of an answer
 * without framing for its end, does not say whether it is connected, and hands each request to a thread of its own.
 */
import type { Socket } from "bun";
import { Answer, type Flow } from "./answer.ts";
import { answerHead, BadAnswer } from "./answer-head.ts";
import type { Body } from "./body.ts";
import type { Room } from "./room.ts";
import { Unsent } from "./unsent.ts";

export interface Question {
  readonly method: string;
  /** The request line and the headers, with the empty line at their end. */
  readonly head: string;
  /** Let go of once the answer begins: by then nobody asks once more, and the answer may take half an hour. */
  body: Body;
  /** How long a piece of a body that is streamed may wait to be taken. */
  readonly stallMs: number;
  /** The upstream has taken all of a body that is streamed. */
  onTaken?(): void;
}

/** The other side closed it. */
export class ConnectionClosed extends Error {
  override readonly name = "ConnectionClosed";
  readonly code = "ECONNRESET";

  /**
   * @param isUnanswered nothing had come in return for the request
   * @param isUnread and the other side had not read all of it: TCP tells, by a reset, that something was lost
   */
  constructor(
    readonly isUnanswered: boolean,
    readonly isUnread: boolean,
  ) {
    super("The connection was closed.");
  }
}

/** A request that crosses with the end of an idle connection is answered by a reset, one round trip later. */
const RESET_WITHIN_MS = 50;

const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const NO_BODY: Body = { content: null, length: null };

export class Connection implements Flow {
  #socket: Socket<Connection> | null = null;
  #question: Question | null = null;
  #answer: Answer | null = null;
  #answered: PromiseWithResolvers<Answer> | null = null;
  /** Of a head that is not there to its end. */
  #head: Buffer | null = null;
  /** Of a body that is still being sent. */
  #upload: ReadableStreamDefaultReader<Uint8Array> | null = null;
  readonly #unsent: Unsent;
  /** Requests that went out over it. */
  #asked = 0;
  /** It was ended in good order before an answer: whether a reset follows. */
  #ending: ReturnType<typeof setTimeout> | undefined;
  /** By `Date.now()`. */
  idleSince = 0;
  isClosed = false;

  /** @param onIdle it can take another request */
  constructor(
    room: Room,
    private readonly onIdle: (connection: Connection) => void,
  ) {
    this.#unsent = new Unsent(
      (bytes) => this.#socket?.write(bytes) ?? 0,
      room.share(),
      (error) => this.destroy(error),
    );
  }

  /** @throws what kept it from being opened */
  async open(hostname: string, port: number): Promise<void> {
    this.#socket = await Bun.connect<Connection>({ hostname, port, data: this, socket: HANDLERS, allowHalfOpen: true });
    if (this.isClosed) this.#socket.terminate();
    else this.#socket.setNoDelay(true);
  }

  /**
   * Sends a request. Its body goes on being sent while the answer is read.
   * @throws ConnectionClosed, BadAnswer; the reason of `destroy`
   */
  ask(question: Question): Promise<Answer> {
    if (this.isClosed) return Promise.reject(new ConnectionClosed(true, true));
    this.#asked++;
    this.#question = question;
    this.#answer = null;
    const answered = Promise.withResolvers<Answer>();
    this.#answered = answered;
    this.#socket?.ref();
    const { content } = question.body;
    if (content instanceof ReadableStream) void this.#send(question, content.getReader());
    else this.#unsent.write(withHead(question.head, content));
    return answered.promise;
  }

  /** Ends it if it still works on this. */
  leave(question: Question, reason: unknown): void {
    if (this.#question === question) this.destroy(reason);
  }

  /** Ends it at once, and whatever goes on over it. */
  destroy(reason: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#socket?.terminate();
    this.#fail(reason, true);
  }

  /** It need not keep the process alive while it is idle. */
  rest(): void {
    this.idleSince = Date.now();
    this.#socket?.unref();
  }

  received(bytes: Buffer): void {
    try {
      if (this.#answer) this.#answer.push(bytes);
      else this.#begin(bytes);
    } catch (error) {
      this.#end(error, false);
    }
  }

  /** The other side has ended it in good order. */
  ended(): void {
    if (this.isClosed) return;
    // An answer without framing ends so, unless the connection was reset.
    this.#answer?.closed();
    const isUnanswered = this.#isUnanswered;
    const end = () => this.#end(new ConnectionClosed(isUnanswered, false), false);
    // Was it ended for being idle, or at this request? Only one that it has not read brings a reset.
    if (isUnanswered && this.#asked > 1) this.#ending = setTimeout(end, RESET_WITHIN_MS);
    else end();
  }

  /** It is gone. @param error null: in good order */
  closed(error: unknown): void {
    if (this.isClosed) return;
    if (error === null) this.#answer?.closed();
    this.#end(new ConnectionClosed(this.#isUnanswered, this.#isUnanswered && error !== null), false);
  }

  get #isUnanswered(): boolean {
    return this.#answered !== null && this.#head === null;
  }

  drained(): void {
    if (!this.isClosed) this.#unsent.flush();
  }

  #begin(bytes: Buffer): void {
    const answered = this.#answered;
    // Nobody has asked for it.
    if (!this.#question || !answered) throw new BadAnswer("It speaks without having been asked.");
    const all = this.#head ? Buffer.concat([this.#head, bytes]) : bytes;
    const head = answerHead(all, this.#question.method);
    if (head === null) {
      this.#head = all;
      return;
    }
    this.#head = null;
    this.#question.body = NO_BODY;
    const answer = new Answer(head, this);
    this.#answer = answer;
    this.#answered = null;
    answered.resolve(answer);
    const rest = all.subarray(head.bytes);
    if (answer.isOver) this.over(rest.length === 0);
    else if (rest.length > 0) answer.push(rest);
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Nobody wants the rest of the answer. */
  drop(): void {
    this.#end(null, true);
  }

  /** The answer has come to its end. */
  over(isClean: boolean): void {
    const isSent = this.#upload === null && this.#unsent.isEmpty;
    const keepsOpen = this.#answer?.keepsOpen === true && isClean && isSent;
    this.#question = null;
    this.#answer = null;
    if (keepsOpen) this.onIdle(this);
    else this.#end(null, false);
  }

  #end(error: unknown, atOnce: boolean): void {
    this.isClosed = true;
    this.#socket?.terminate();
    this.#fail(error, atOnce);
  }

  #fail(error: unknown, atOnce: boolean): void {
    clearTimeout(this.#ending);
    void this.#upload?.cancel().catch(() => undefined);
    this.#upload = null;
    this.#answered?.reject(error);
    this.#answered = null;
    this.#answer?.fail(error, atOnce);
    this.#unsent.drop();
  }

  async #send(question: Question, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { head, body, stallMs } = question;
    const isChunked = body.length === null;
    this.#upload = reader;
    try {
      this.#unsent.begin(stallMs, () => question.onTaken?.());
      this.#unsent.write(withHead(head, null));
      while (this.#upload === reader) {
        if (!this.#unsent.isEmpty) await this.#unsent.wantsMore();
        if (this.#upload !== reader) return;
        const { done, value } = await reader.read();
        if (this.#upload !== reader) return;
        if (done) {
          this.#upload = null;
          if (isChunked) this.#unsent.write(LAST_CHUNK);
          this.#unsent.end();
          return;
        }
        this.#unsent.write(isChunked ? chunk(value) : value);
      }
    } catch (error) {
      this.destroy(error);
    }
  }
}

function withHead(head: string, content: Uint8Array | null): Uint8Array {
  const bytes = Buffer.allocUnsafe(head.length + (content?.length ?? 0));
  bytes.write(head, 0, "latin1");
  if (content) bytes.set(content, head.length);
  return bytes;
}

function chunk(piece: Uint8Array): Uint8Array {
  const size = piece.length.toString(16);
  const bytes = Buffer.allocUnsafe(size.length + piece.length + 4);
  bytes.write(`${size}\r\n`, 0, "latin1");
  bytes.set(piece, size.length + 2);
  bytes.write("\r\n", size.length + 2 + piece.length, "latin1");
  return bytes;
}

/** One object for all of them. */
const HANDLERS = {
  data: ({ data: connection }: Socket<Connection>, bytes: Buffer) => connection.received(bytes),
  drain: ({ data: connection }: Socket<Connection>) => connection.drained(),
  end: ({ data: connection }: Socket<Connection>) => connection.ended(),
  close: ({ data: connection }: Socket<Connection>, error?: unknown) => connection.closed(error ?? null),
  error: ({ data: connection }: Socket<Connection>, error: unknown) => connection.closed(error),
};
