/**
 * A TCP proxy that fails on command, as cables, firewalls and hosts do. The way it behaves is changed while connections
 * are open. Bytes are held back, never lost or reordered: TCP repeats what did not arrive, so a line that comes back goes
 * on where it was.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Flow, type Pace } from "./fault-flow.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type Direction = "to_server" | "to_client";

export type Line =
  | { readonly kind: "pass" }
  /** Nothing arrives on either side, not even the end of a connection; a new connection is accepted and never answered. */
  | { readonly kind: "black_hole" }
  /** As `black_hole`, in one direction only. */
  | { readonly kind: "half_open"; readonly dead: Direction }
  /** Per direction. `delayMs` is latency: it does not lower the throughput. */
  | { readonly kind: "slow"; readonly bytesPerSecond?: number; readonly delayMs?: number };

export interface FaultProxyOptions {
  /** Where connections lead; asked for each one, so it may become known later. */
  readonly target: () => Endpoint;
  /** Address to listen on; loopback by default. */
  readonly host?: string;
}

const OPEN: Pace = { bytesPerSecond: Number.POSITIVE_INFINITY, delayMs: 0 };
const DEAD: Pace = { bytesPerSecond: 0, delayMs: 0 };

/** @returns the proxy, listening on a free port and passing everything on */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy(options);
  await proxy.accept();
  return proxy;
}

export class FaultProxy {
  readonly host: string;
  readonly #target: () => Endpoint;
  readonly #lines = new Set<ProxiedLine>();
  #server: Server | null = null;
  #line: Line = { kind: "pass" };
  #port = 0;
  #accepted = 0;

  constructor(options: FaultProxyOptions) {
    this.host = options.host ?? "127.0.0.1";
    this.#target = options.target;
  }

  /** The same for the whole life of the proxy. */
  get port(): number {
    return this.#port;
  }

  /** Connections at this moment. */
  get open(): number {
    return this.#lines.size;
  }

  /** Connections ever. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that have arrived at the proxy and not left it. */
  get heldBytes(): number {
    return [...this.#lines].reduce((sum, line) => sum + line.heldBytes, 0);
  }

  /** Changes how open and new connections behave from here on; what was held flows when the line allows it. */
  set(line: Line): void {
    this.#line = line;
    for (const one of this.#lines) one.behave(line);
  }

  pass(): void {
    this.set({ kind: "pass" });
  }

  blackHole(): void {
    this.set({ kind: "black_hole" });
  }

  halfOpen(dead: Direction): void {
    this.set({ kind: "half_open", dead });
  }

  slow(pace: { readonly bytesPerSecond?: number; readonly delayMs?: number }): void {
    this.set({ kind: "slow", ...pace });
  }

  /** Ends every open connection on both sides: `reset` as a firewall does, `end` as an orderly shutdown does. */
  cut(how: "reset" | "end"): void {
    for (const line of this.#lines) line.cut(how);
  }

  /** New connections are refused; open ones go on. */
  refuse(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** New connections are accepted again, on the same port. */
  accept(): Promise<void> {
    if (this.#server) return Promise.resolve();
    const server = createServer((socket) => this.#carry(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, this.host, () => {
        const bound = server.address();
        if (typeof bound === "object" && bound !== null) this.#port = bound.port;
        server.off("error", reject);
        resolve();
      });
    });
  }

  /** Ends everything. */
  close(): void {
    this.refuse();
    this.cut("reset");
  }

  #carry(client: Socket): void {
    this.#accepted += 1;
    const { host, port } = this.#target();
    const server = connect({ host, port, noDelay: true });
    client.setNoDelay(true);
    const line: ProxiedLine = new ProxiedLine(client, server, () => this.#lines.delete(line));
    line.behave(this.#line);
    this.#lines.add(line);
  }
}

/** One connection through the proxy: two sockets and a flow in each direction. */
class ProxiedLine {
  readonly #toServer: Flow;
  readonly #toClient: Flow;
  #left = 2;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly onGone: () => void,
  ) {
    this.#toServer = new Flow(client, server);
    this.#toClient = new Flow(server, client);
    for (const socket of [client, server]) {
      socket.once("close", () => {
        this.#left -= 1;
        if (this.#left === 0) this.onGone();
      });
    }
  }

  get heldBytes(): number {
    return this.#toServer.heldBytes + this.#toClient.heldBytes;
  }

  behave(line: Line): void {
    this.#toServer.setPace(paceOf(line, "to_server"));
    this.#toClient.setPace(paceOf(line, "to_client"));
  }

  cut(how: "reset" | "end"): void {
    for (const flow of [this.#toServer, this.#toClient]) flow.stop();
    for (const socket of [this.client, this.server]) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroySoon();
    }
  }
}

function paceOf(line: Line, direction: Direction): Pace {
  switch (line.kind) {
    case "pass":
      return OPEN;
    case "black_hole":
      return DEAD;
    case "half_open":
      return line.dead === direction ? DEAD : OPEN;
    case "slow":
      return { bytesPerSecond: line.bytesPerSecond ?? Number.POSITIVE_INFINITY, delayMs: line.delayMs ?? 0 };
  }
}
