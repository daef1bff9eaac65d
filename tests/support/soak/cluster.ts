/**
 * What the controller of a soak speaks to, in a process of its own: its logs and files, which on a Spark lie on the disk, grow in
 * memory. A simulated cluster, and a service for embeddings that goes away and comes back all the time. The argument is the
 * controller's folder, which gets its key and its configuration; sends a message then, and ends when its parent is done with it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulator } from "../../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../../lib/ssh/identity.ts";
import { SPEED } from "../demo.ts";

const UP_MS = 3_000;
const DOWN_MS = 1_000;
const DWELL_SECONDS = 4;

function listen(port: number): Bun.Server<undefined> {
  return Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      // It goes away in the middle of requests too: what is left of one is not worth a line.
      const body = (await request.json().catch(() => null)) as { readonly input: string | readonly string[] } | null;
      if (body === null) return new Response(null, { status: 400 });
      // The deep check asks with a single one.
      const input = [body.input].flat();
      const data = input.map((text, index) => ({ object: "embedding", index, embedding: [text.length] }));
      return Response.json({ object: "list", data });
    },
  });
}

const dataDir = process.argv[2]!;
const { publicKeyLine } = loadIdentity({ folder: dataDir });
const cluster = await startSimulator({ ports: "ephemeral", speed: SPEED, authorizedKey: publicKeyLine });
let flaky = listen(0);
const port = flaky.port!;
const settings = `settings: { gateway_routing: hold, gateway_dwell_seconds: ${DWELL_SECONDS} }\n`;
const flakyService = `  embeddings: { kind: embeddings, host: 127.0.0.1, port: ${port} }\n`;
writeFileSync(join(dataDir, "topology.yaml"), `${cluster.topologyYaml}\n${settings}`);
writeFileSync(
  join(dataDir, "services-overrides.yaml"),
  cluster.servicesYaml.replace(/^ {2}embeddings:\n(?: {4}.*\n?)+/m, flakyService),
);

let isOver = false;
async function restarts(): Promise<void> {
  while (!isOver) {
    await Bun.sleep(UP_MS);
    // Its end may take as long as its connections; it listens no more at once.
    void flaky.stop(true);
    await Bun.sleep(DOWN_MS);
    flaky = listen(port);
  }
}
void restarts();
process.send?.({});
await new Promise<void>((resolve) => process.once("disconnect", () => resolve()));
isOver = true;
await cluster.close();
process.exit(0);
