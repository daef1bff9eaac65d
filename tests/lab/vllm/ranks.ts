/**
 * The bond between the nodes of one model: the engine on the head listens, the rank on each worker connects and sends a
 * byte every half second. A closed connection, or silence for too long, is the death of the other side.
 */
import { connect, createServer, type Socket } from "node:net";

const HEARTBEAT_MS = 500;

export interface Ranks {
  readonly port: number;
  /** Resolves when `count` ranks have connected. */
  readonly joined: Promise<void>;
  /** Resolves with a reason when a rank that had joined is lost. */
  readonly lost: Promise<string>;
}

/** Listens for `count` ranks; further ones are accepted and left waiting, as a rendezvous does with a rank too many. */
export async function awaitRanks(port: number, count: number, timeoutSeconds: number): Promise<Ranks> {
  const joined = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<string>();
  let connected = 0;
  const adopt = (socket: Socket) => {
    socket.on("error", () => {});
    if (connected >= count) return;
    connected += 1;
    socket.setTimeout(timeoutSeconds * 1000, () => lost.resolve("a rank has been silent for too long"));
    socket.on("data", () => {});
    socket.on("close", () => lost.resolve("a rank has closed its connection"));
    const beat = setInterval(() => socket.write("."), HEARTBEAT_MS);
    socket.on("close", () => clearInterval(beat));
    if (connected === count) joined.resolve();
  };
  const server = createServer(adopt);
  const listening = Promise.withResolvers<number>();
  server.once("error", (error) => listening.reject(error));
  server.listen(port, "0.0.0.0", () => {
    const address = server.address();
    listening.resolve(typeof address === "object" && address ? address.port : port);
  });
  return { port: await listening.promise, joined: joined.promise, lost: lost.promise };
}

/** A rank on a worker: connects, retrying until the head listens, and resolves when the bond has broken. */
export async function followHead(host: string, port: number, timeoutSeconds: number): Promise<string> {
  for (;;) {
    const socket = connect({ host, port });
    const opened = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!opened) {
      await Bun.sleep(HEARTBEAT_MS);
      continue;
    }
    return new Promise<string>((resolve) => {
      const beat = setInterval(() => socket.write("."), HEARTBEAT_MS);
      socket.setTimeout(timeoutSeconds * 1000, () => resolve("the head has been silent for too long"));
      socket.on("data", () => {});
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(beat);
        resolve("the head has closed its connection");
      });
    });
  }
}
