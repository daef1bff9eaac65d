/** A load of HTTP/1.1 over bare sockets: so many connections kept open, each asking again as soon as it was answered. */

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Sent again and again, as it is. */
  readonly request: string;
  readonly forMs: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds from each request to the first byte of its answer. */
  readonly firstByteMs: readonly number[];
  /** By status. */
  readonly statuses: ReadonlyMap<number, number>;
}

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Recognises where an answer ends. */
class Answer {
  #head: Buffer = Buffer.alloc(0);
  #left = -1;
  #tail: Buffer = Buffer.alloc(0);
  status = 0;
  hasBegun = false;

  /** @returns whether the answer is complete */
  push(data: Buffer): boolean {
    this.hasBegun = true;
    let body = data;
    if (this.#left === -1) {
      this.#head = Buffer.concat([this.#head, data]);
      const end = this.#head.indexOf(END_OF_HEAD);
      if (end === -1) return false;
      const head = this.#head.subarray(0, end).toString("latin1");
      body = this.#head.subarray(end + END_OF_HEAD.length);
      this.status = Number(head.slice(9, 12));
      const length = /content-length: (\d+)/i.exec(head);
      this.#left = length ? Number(length[1]) : Number.POSITIVE_INFINITY;
    }
    if (this.#left !== Number.POSITIVE_INFINITY) {
      this.#left -= body.length;
      return this.#left <= 0;
    }
    this.#tail = body.length >= LAST_CHUNK.length ? body : Buffer.concat([this.#tail.subarray(-4), body]);
    return this.#tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
  }
}

/** @throws when a connection breaks */
export async function runLoad({ port, connections, request, forMs }: Load): Promise<Measured> {
  const bytes = Buffer.from(request);
  const firstByteMs: number[] = [];
  const statuses = new Map<number, number>();
  let count = 0;
  const began = performance.now();
  const end = began + forMs;
  let finished = began;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      let answer = new Answer();
      let askedAt = 0;
      const ask = (socket: { write(data: Buffer): number }) => {
        answer = new Answer();
        askedAt = performance.now();
        socket.write(bytes);
      };
      Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open: ask,
          data(socket, data) {
            if (!answer.hasBegun) firstByteMs.push(performance.now() - askedAt);
            if (!answer.push(Buffer.from(data))) return;
            count++;
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            finished = performance.now();
            if (finished < end) return ask(socket);
            resolve();
            socket.end();
          },
          close: () => reject(new Error("a connection was closed in the middle of a load")),
          error: (_, error) => reject(error),
        },
      }).catch(reject);
    });
  await Promise.all(Array.from({ length: connections }, one));
  return { perSecond: count / ((finished - began) / 1000), firstByteMs, statuses };
}

export function postOf(path: string, body: string): string {
  const head = ["host: localhost", "content-type: application/json", `content-length: ${Buffer.byteLength(body)}`];
  return `POST ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n${body}`;
}
