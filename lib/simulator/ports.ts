/** TCP ports of one host: who has bound them, and the real listeners behind those that listen. */
import { createServer } from "node:net";
import type { Changes } from "./changes.ts";
import type { Network } from "./network.ts";
import { Ended } from "./speed.ts";

export type HttpHandler = (request: Request) => Response | Promise<Response>;

/** Carried by every HTTP answer of the simulator: a made-up answer must never be taken for a real one. */
export const SIMULATED_HEADER = "X-Spark-Simulated";

const STREAMS = ["text/event-stream", "audio/"];
/** Below Linux' range of ephemeral ports, so that no outgoing connection takes a port picked here. */
const PICK_FROM = 20_000;
const PICK_COUNT = 12_000;

/** A bound port; `listen` makes it answer. */
export interface BoundPort {
  readonly port: number;
  listen(handler: HttpHandler): void;
  release(): void;
}

/** Whether `address:port` can be bound at this moment. */
export function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, address, () => probe.close(() => resolve(true)));
  });
}

/** A free port of that address, not in `taken`. */
export async function pickPort(address: string, taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = PICK_FROM + Math.floor(Math.random() * PICK_COUNT);
    if (!taken.has(port) && (await isFree(address, port))) return port;
  }
  throw new Error(`no free port on ${address}`);
}

export class PortTable {
  readonly #bound = new Map<number, { handler: HttpHandler | null; server: Bun.Server<undefined> | null }>();

  constructor(
    private readonly address: string,
    private readonly network: Network,
    private readonly changes: Changes,
  ) {
    network.watch((state) => this.#networkChanged(state));
  }

  /** Ports that listen, ascending. */
  listening(): readonly number[] {
    return [...this.#bound].flatMap(([port, { handler }]) => (handler ? [port] : [])).sort((a, b) => a - b);
  }

  /** Binds as `bind(2)` does. @returns undefined when the address is in use */
  bind(port: number): BoundPort | undefined {
    if (this.#bound.has(port)) return undefined;
    const entry: { handler: HttpHandler | null; server: Bun.Server<undefined> | null } = {
      handler: null,
      server: null,
    };
    this.#bound.set(port, entry);
    return {
      port,
      listen: (handler) => {
        if (this.#bound.get(port) !== entry) return;
        if (this.network.state !== "down") entry.server = this.#serve(port, handler);
        entry.handler = handler;
        this.changes.notify();
      },
      release: () => {
        if (this.#bound.get(port) !== entry) return;
        this.#bound.delete(port);
        entry.server?.stop(true);
        this.changes.notify();
      },
    };
  }

  async close(): Promise<void> {
    const servers = [...this.#bound.values()].map(({ server }) => server);
    this.#bound.clear();
    await Promise.all(servers.map((server) => server?.stop(true)));
  }

  #networkChanged(state: string): void {
    for (const [port, entry] of this.#bound) {
      if (state === "down") {
        entry.server?.stop(true);
        entry.server = null;
      } else if (entry.handler && !entry.server) {
        entry.server = this.#serve(port, entry.handler);
      }
    }
  }

  #serve(port: number, handler: HttpHandler): Bun.Server<undefined> {
    return Bun.serve({
      hostname: this.address,
      port,
      reusePort: false,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request, handler),
      error: () => new Response("Internal Server Error", { status: 500, headers: { [SIMULATED_HEADER]: "1" } }),
    });
  }

  async #answer(request: Request, handler: HttpHandler): Promise<Response> {
    try {
      await this.network.whenUp(request.signal);
      const response = await handler(request);
      await this.network.whenUp(request.signal);
      return this.#marked(response);
    } catch (error) {
      if (error instanceof Ended) return new Response(null, { status: 503, headers: { [SIMULATED_HEADER]: "1" } });
      throw error;
    }
  }

  /** With the header, and with a stream that stops while the host cannot be reached. */
  #marked(response: Response): Response {
    const headers = new Headers(response.headers);
    headers.set(SIMULATED_HEADER, "1");
    const type = headers.get("content-type") ?? "";
    if (!response.body || !STREAMS.some((stream) => type.startsWith(stream))) {
      return new Response(response.body, { status: response.status, headers });
    }
    const gate = new TransformStream<Uint8Array, Uint8Array>({
      transform: async (chunk, controller) => {
        await this.network.whenUp();
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(gate), { status: response.status, headers });
  }
}
