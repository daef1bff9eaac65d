/** `sparks-process.ts NODES PUBLIC_KEY`: simulated Sparks; says their topology.yaml and a NUL, and ends with its stdin. */
import { startSimulator } from "../../lib/simulator/simulator.ts";

const [nodes = "2", authorizedKey = ""] = process.argv.slice(2);
const cluster = await startSimulator({ speed: 20, nodes: Number(nodes), services: false, authorizedKey });
process.stdout.write(`${cluster.topologyYaml}\0`);
await new Response(Bun.stdin.stream()).text();
await cluster.close();
