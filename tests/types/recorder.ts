/** A server that answers nothing of use and remembers what was asked. */
export interface Recorder extends Disposable {
  readonly url: string;
  /** `GET /api/models`, in the order of their arrival. */
  readonly requests: readonly string[];
}

export function startRecorder(): Recorder {
  const requests: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      return Response.json({}, { status: 404 });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, requests, [Symbol.dispose]: () => void server.stop(true) };
}

/** Whether a request is one of an operation: `GET /api/swap/{id}` is any `GET /api/swap/…` of one more segment. */
export function isOf(operation: string, request: string | undefined): boolean {
  const wanted = operation.split("/");
  const sent = request?.split("/") ?? [];
  return wanted.length === sent.length && wanted.every((part, index) => part.startsWith("{") || part === sent[index]);
}
