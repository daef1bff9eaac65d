/** What the fake Ray speaks on port 6379: one JSON object a line. */
import { connect } from "node:net";

export const RAY_PORT = 6379;

export type RayMessage =
  | { readonly kind: "node" }
  | { readonly kind: "status" }
  | { readonly kind: "up"; readonly nodes: number }
  | {
      readonly kind: "spawn";
      readonly model: string;
      readonly rank: number;
      readonly host: string;
      readonly port: number;
    };

export const encode = (message: RayMessage): string => `${JSON.stringify(message)}\n`;

/** Calls `take` for each complete line. */
export function decoder(take: (message: RayMessage) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line) as RayMessage);
  };
}

/** Nodes that have joined the local head; rejects when there is none. */
export function rayNodes(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: RAY_PORT });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("Ray hung up")));
    socket.once("connect", () => socket.write(encode({ kind: "status" })));
    socket.on(
      "data",
      decoder((message) => {
        if (message.kind === "up") resolve(message.nodes);
        socket.destroy();
      }),
    );
  });
}

/** Has a worker rank started on each of `count` nodes; waits for nodes that have not joined yet. */
export async function requestWorkers(model: string, count: number, host: string, port: number): Promise<void> {
  while ((await rayNodes()) < count) await Bun.sleep(200);
  const socket = connect({ host: "127.0.0.1", port: RAY_PORT });
  socket.on("error", () => {});
  for (let rank = 1; rank <= count; rank++) socket.write(encode({ kind: "spawn", model, rank, host, port }));
  socket.end();
}
