/**
 * Whether anything answers at an address, by a connection that can be given up. One that Bun opens cannot be: it has no socket before
 * it stands, and an attempt at a host that is gone lives for as long as the kernel tries, two minutes.
 */
import { createConnection, type Socket } from "node:net";

export class Knock {
  readonly #socket: Socket;
  /** It answers. Fails with what was answered instead; never, once it has ended. */
  readonly answered: Promise<void>;

  constructor(host: string, port: number) {
    const socket = createConnection({ host, port });
    this.#socket = socket;
    this.answered = new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.on("error", reject);
    });
  }

  end(): void {
    this.#socket.destroy();
  }
}
