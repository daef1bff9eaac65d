/** Stand-in of the `ray` command: `start --head`, `start --address=…`, `status`, `stop`. Places vLLM's workers, nothing else. */
import { connect, createServer, type Socket } from "node:net";
import { decoder, encode, RAY_PORT, type RayMessage, rayNodes } from "./ray-wire.ts";

const BUN = process.execPath;

function runHead(): void {
  const nodes = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => nodes.delete(socket));
    socket.on(
      "data",
      decoder((message: RayMessage) => {
        if (message.kind === "node") nodes.add(socket);
        if (message.kind === "status") socket.write(encode({ kind: "up", nodes: nodes.size }));
        if (message.kind === "spawn") [...nodes][message.rank - 1]?.write(encode(message));
      }),
    );
  });
  server.listen(RAY_PORT, "0.0.0.0", () => console.log("Ray runtime started."));
}

async function runNode(host: string): Promise<never> {
  for (;;) {
    const socket = connect({ host, port: RAY_PORT });
    socket.on("error", () => {});
    socket.on("connect", () => {
      console.log("Ray runtime started.");
      socket.write(encode({ kind: "node" }));
    });
    socket.on(
      "data",
      decoder((message: RayMessage) => {
        if (message.kind !== "spawn") return;
        Bun.spawn([BUN, "/opt/vllm/bin/vllm", "worker-rank", message.model, message.host, String(message.port)], {
          argv0: `VLLM::Worker_TP${message.rank}`,
          stdin: "ignore",
          stdout: "inherit",
          stderr: "inherit",
        });
      }),
    );
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await Bun.sleep(500);
  }
}

const [action, ...rest] = process.argv.slice(2);
if (action === "start" && rest.includes("--head")) runHead();
else if (action === "start") {
  const address = rest.find((word) => word.startsWith("--address="))?.slice("--address=".length) ?? "";
  await runNode(address.split(":")[0] ?? "");
} else if (action === "status") {
  try {
    const nodes = await rayNodes();
    console.log(`======== Autoscaler status ========\nActive:\n ${nodes + 1} node(s)`);
  } catch {
    console.error("ray.exceptions.RaySystemError: no running Ray cluster found");
    process.exit(1);
  }
} else process.exit(action === "stop" ? 0 : 2);
