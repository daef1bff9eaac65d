/** Whether a connection to an upstream comes about. `fetch` does not say, and a host that is gone swallows the request. */

/** An upstream that answered within this time is not asked again. */
const KNOWN_MS = 10_000;

export class ConnectionWatch {
  readonly #answered = new Map<string, number>();

  answered(origin: string): void {
    this.#answered.set(origin, Date.now());
  }

  /** It has answered before: a connection to it may be pooled. */
  isKnown(origin: string): boolean {
    return this.#answered.has(origin);
  }

  /**
   * Opens a connection beside the request's own, and closes it at once.
   * @param onFailure called when nothing was opened within the time; a refusal is left to the request itself
   * @returns how to stop watching
   */
  watch(origin: string, connectMs: number, onFailure: () => void): () => void {
    if (Date.now() - (this.#answered.get(origin) ?? 0) < KNOWN_MS) return () => undefined;
    const { hostname, port } = new URL(origin);
    const timer = setTimeout(onFailure, connectMs);
    const done = () => clearTimeout(timer);
    Bun.connect({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 80),
      socket: {
        open(socket) {
          done();
          socket.end();
        },
        data() {},
        error: done,
        connectError: done,
      },
    }).catch(done);
    return done;
  }
}
