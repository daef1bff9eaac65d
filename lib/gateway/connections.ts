/** The connections to the upstreams: those that are idle are used again. */
import type { Answer } from "./answer.ts";
import { Connection, ConnectionClosed, type Question } from "./connection.ts";
import { Knock } from "./knock.ts";
import { Room } from "./room.ts";
import type { Stop } from "./stop.ts";

/**
 * An idle one is used again within this time. Later the host may be gone without having said so, and would swallow the request:
 * opening a new one shows that.
 */
const FRESH_MS = 10_000;
/** Longer after sending, a reset means that the upstream broke at this request. */
const AT_ONCE_MS = 250;
const MOST_IDLE = 256;
/** Bodies that are streamed never take an idle one: theirs would pile up. */
const MOST_IDLE_OF_STREAMS = 1;

/** Nothing answered at the address. */
export class ConnectTimeout extends Error {
  override readonly name = "ConnectTimeout";
}

export class Connections {
  /** By origin, those that were used last at the end; without the origins that have none. */
  readonly #idle = new Map<string, Connection[]>();
  /** Where the last attempt was given up: the next ones must be ones that end then. */
  readonly #silent = new Set<string>();
  #sweep: ReturnType<typeof setInterval> | null = null;

  readonly #freshMs: number;
  readonly #room: Room;

  constructor({ freshMs = FRESH_MS, room = new Room() }: { readonly freshMs?: number; readonly room?: Room } = {}) {
    this.#freshMs = freshMs;
    this.#room = room;
  }

  /** To which there are idle connections. */
  get origins(): number {
    return this.#idle.size;
  }

  /**
   * An idle connection may be closed by the upstream at the very moment it is used: a request that fails so, at once, without an
   * answer and without having been read, goes out once more over a new one. A body that can be read only once gets that from the beginning.
   * @param origin `http://<host>:<port>`
   * @throws ConnectTimeout, ConnectionClosed, BadAnswer; what kept the connection from being opened; the reason of the stop
   */
  ask(origin: string, question: Question, connectMs: number, stop: Stop): Promise<Answer> {
    const { content } = question.body;
    return content instanceof ReadableStream
      ? this.#stream(content, origin, question, connectMs, stop)
      : this.#ask(origin, question, connectMs, stop);
  }

  async #stream(
    content: ReadableStream<Uint8Array>,
    origin: string,
    question: Question,
    connectMs: number,
    stop: Stop,
  ): Promise<Answer> {
    try {
      return await this.#askAnew(origin, question, connectMs, stop, MOST_IDLE_OF_STREAMS);
    } catch (error) {
      // Nobody has begun to read it.
      if (!content.locked) void content.cancel(error).catch(() => undefined);
      throw error;
    }
  }

  #ask(origin: string, question: Question, connectMs: number, stop: Stop): Promise<Answer> {
    const idle = stop.reason ? null : this.#take(origin);
    if (!idle) return this.#askAnew(origin, question, connectMs, stop);
    const began = performance.now();
    return asked(idle, question, stop).catch((error) => {
      const isTooLate = stop.reason !== null || performance.now() - began > AT_ONCE_MS;
      if (isTooLate || !(error instanceof ConnectionClosed) || !mayGoOutAgain(error, question)) throw error;
      return this.#askAnew(origin, question, connectMs, stop);
    });
  }

  async #askAnew(
    origin: string,
    question: Question,
    connectMs: number,
    stop: Stop,
    mostIdle = MOST_IDLE,
  ): Promise<Answer> {
    stop.throwIfStopped();
    const connection = new Connection(this.#room, (each) => this.#give(origin, each, mostIdle));
    const isSilent = this.#silent.has(origin);
    try {
      await opened(connection, origin, connectMs, stop, isSilent);
      this.#silent.delete(origin);
    } catch (error) {
      if (error instanceof ConnectTimeout || error === stop.reason) this.#silent.add(origin);
      else this.#silent.delete(origin);
      throw error;
    }
    return asked(connection, question, stop);
  }

  /** Ends those that are idle. */
  close(): void {
    for (const connections of this.#idle.values())
      for (const connection of connections.splice(0)) connection.destroy(null);
    this.#sweepStale();
  }

  #isFresh({ isClosed, idleSince }: Connection): boolean {
    return !isClosed && Date.now() - idleSince < this.#freshMs;
  }

  #take(origin: string): Connection | null {
    const idle = this.#idle.get(origin);
    for (let connection = idle?.pop(); connection; connection = idle?.pop()) {
      if (this.#isFresh(connection)) return connection;
      connection.destroy(null);
    }
    return null;
  }

  /** One look at all of them in each such time: an idle connection is closed after one to two of them. */
  #sweepStale(): void {
    for (const [origin, connections] of this.#idle) {
      const fresh = connections.findIndex((each) => this.#isFresh(each));
      for (const stale of connections.splice(0, fresh === -1 ? connections.length : fresh)) stale.destroy(null);
      if (connections.length === 0) this.#idle.delete(origin);
    }
    if (this.#idle.size > 0 || !this.#sweep) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #give(origin: string, connection: Connection, mostIdle: number): void {
    let idle = this.#idle.get(origin);
    if (!idle) {
      idle = [];
      this.#idle.set(origin, idle);
    }
    if (idle.length >= mostIdle) {
      connection.destroy(null);
      return;
    }
    connection.rest();
    idle.push(connection);
    if (this.#sweep) return;
    this.#sweep = setInterval(() => this.#sweepStale(), this.#freshMs);
    this.#sweep.unref();
  }
}

/**
 * RFC 9110 §9.2.2: what is not idempotent may be repeated only where it is known not to have been applied. A chat is expensive,
 * and the one that brings its vLLM down must not go to the next.
 */
function mayGoOutAgain({ isUnanswered, isUnread }: ConnectionClosed, { method }: Question): boolean {
  return method === "GET" || method === "HEAD" ? isUnanswered : isUnread;
}

function asked(connection: Connection, question: Question, stop: Stop): Promise<Answer> {
  const answer = connection.ask(question);
  stop.whenStopped((reason) => connection.leave(question, reason));
  return answer;
}

/** @param knocks whether something answers there is found out first */
async function opened(
  connection: Connection,
  origin: string,
  connectMs: number,
  stop: Stop,
  knocks: boolean,
): Promise<void> {
  const url = new URL(origin);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 80);
  const knock = knocks ? new Knock(hostname, port) : null;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new ConnectTimeout()), connectMs);
  stop.whenStopped(reject);
  try {
    if (knock) await Promise.race([knock.answered, promise]);
    await Promise.race([connection.open(hostname, port), promise]);
  } catch (error) {
    connection.destroy(error);
    throw error;
  } finally {
    knock?.end();
    clearTimeout(timer);
    stop.whenStopped(null);
  }
}
