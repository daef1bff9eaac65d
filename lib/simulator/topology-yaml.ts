import type { SimulatedService } from "./services.ts";
import { type SimulatedSpark, USER } from "./spark.ts";

export interface PlacedService {
  readonly service: SimulatedService;
  readonly node: string;
  readonly port: number;
}

/** What the simulated cluster's topology.yaml says. */
export function topologyYaml(
  nodes: readonly SimulatedSpark[],
  slot: { readonly port: number; readonly container: string; readonly image: string },
  services: readonly PlacedService[],
): string {
  const text = JSON.stringify;
  return [
    "# The simulated cluster. Written at each start.",
    "nodes:",
    ...nodes.flatMap((node) => [
      `  - name: ${node.name}`,
      `    host: ${text(node.address)}`,
      `    user: ${USER}`,
      `    ssh_port: ${node.sshPort}`,
      `    address: ${text(node.address)}`,
      "    eth_if: enp1s0f1np1",
      "    ib_if: rocep1s0f1",
    ]),
    "slots:",
    "  - name: main",
    `    nodes: [${nodes.map(({ name }) => name).join(", ")}]`,
    `    port: ${slot.port}`,
    `    container: ${slot.container}`,
    `    image: ${slot.image}`,
    "services:",
    ...services.flatMap(({ service, node, port }) => [
      `  - name: ${service.name}`,
      `    kind: ${service.kind}`,
      `    node: ${node}`,
      `    port: ${port}`,
      `    container: ${service.container}`,
    ]),
    "",
  ].join("\n");
}
