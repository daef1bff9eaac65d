/** A receiver as people write one: a small HTTP server that keeps what it got. */
import { Webhook } from "standardwebhooks";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Receiver extends Disposable {
  readonly url: string;
  readonly received: Received[];
  /** How it answers; 204 unless told otherwise. */
  answer: (request: Received) => Response | Promise<Response>;
}

export function startReceiver(): Receiver {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const one = {
        method: request.method,
        path: new URL(request.url).pathname,
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      };
      received.push(one);
      return receiver.answer(one);
    },
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${server.port}/hook`,
    received,
    answer: () => new Response(null, { status: 204 }),
    [Symbol.dispose]: () => void server.stop(true),
  };
  return receiver;
}

/** As the official package wants it: a `whsec_` secret as it is, any other as raw bytes. @throws when it does not verify */
export function officialVerify(secret: string, { headers, body }: Pick<Received, "headers" | "body">): unknown {
  const webhook = secret.startsWith("whsec_")
    ? new Webhook(secret)
    : new Webhook(new TextEncoder().encode(secret), { format: "raw" });
  return webhook.verify(body, headers);
}
