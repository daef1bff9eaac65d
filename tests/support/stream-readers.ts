/** Many readers of one event stream, as cheap as can be: plain sockets that count what comes. */
import { connect, type Socket } from "node:net";

export class StreamReader {
  readonly #socket: Socket;
  readonly #tail: string[] = [];
  #isEnded = false;
  /** Bytes that have arrived. */
  bytes = 0;
  /** Events that have arrived, by name. */
  readonly events = new Map<string, number>();
  /** Data of the last event of each name. */
  readonly last = new Map<string, string>();

  constructor(
    url: string,
    path: string,
    private readonly onEvent: (name: string, data: string) => void = () => undefined,
  ) {
    const { hostname, port, host } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setEncoding("utf8");
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.#isEnded = true;
    });
    this.#socket.on("data", (text: string) => this.#take(text));
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }

  /** The server has ended it, as far as this side has noticed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The port at this end, by which the kernel's table knows the connection. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Takes nothing more from the network; the kernel's buffers fill, then the server's. */
  stop(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.bytes += text.length;
    this.#tail.push(text);
    if (!text.includes("\n\n")) return;
    const frames = this.#tail.splice(0).join("").split("\n\n");
    this.#tail.push(frames.pop() ?? "");
    for (const frame of frames) {
      const name = /^event: (.*)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (name === undefined || data === undefined) continue;
      this.events.set(name, (this.events.get(name) ?? 0) + 1);
      this.last.set(name, data);
      this.onEvent(name, data);
    }
  }
}
