import { BOT, BOT_FOLDER, BOT_USER } from "./bot.ts";
import type { SimulatedService } from "./services.ts";
import { type SimulatedSpark, USER } from "./spark.ts";

export interface PlacedService {
  readonly service: SimulatedService;
  readonly node: string;
  readonly port: number;
}

/** Services that the product knows and this cluster does not have. */
const ABSENT = ["diarizer"];

/** What the simulated cluster's topology.yaml says. */
export function topologyYaml(
  nodes: readonly SimulatedSpark[],
  slot: { readonly port: number; readonly container: string; readonly image: string },
): string {
  return [
    "# The simulated cluster. Written at each start.",
    "nodes:",
    ...nodes.flatMap((node) => [
      `  - name: ${node.name}`,
      `    host: "${node.address}"`,
      `    user: ${USER}`,
      `    ssh_port: ${node.sshPort}`,
      `    address: "${node.address}"`,
      "    eth_if: enp1s0f1np1",
      "    ib_if: rocep1s0f1",
    ]),
    "slots:",
    "  - name: main",
    `    nodes: [${nodes.map(({ name }) => name).join(", ")}]`,
    `    port: ${slot.port}`,
    `    container: ${slot.container}`,
    `    image: ${slot.image}`,
    "",
  ].join("\n");
}

/**
 * What its services-overrides.yaml says: every service that runs, and those that are not there as disabled.
 * @param botNode where the bot runs; null: nowhere
 */
export function servicesYaml(
  placed: readonly PlacedService[],
  all: readonly SimulatedService[],
  botNode: string | null,
): string {
  const names = new Set(placed.map(({ service }) => service.name));
  const absent = [
    ...ABSENT,
    ...(botNode === null ? [BOT] : []),
    ...all.map(({ name }) => name).filter((name) => !names.has(name)),
  ];
  return [
    "# The services of the simulated cluster. Written at each start.",
    "services:",
    ...placed.flatMap(({ service, node, port }) => [
      `  ${service.name}:`,
      `    kind: ${service.kind}`,
      `    node: ${node}`,
      `    port: ${port}`,
      `    container: ${service.container}`,
    ]),
    ...(botNode === null
      ? []
      : [
          `  ${BOT}:`,
          `    node: ${botNode}`,
          `    user: ${BOT_USER}`,
          `    directory: ${BOT_FOLDER}`,
          `    container: ${BOT}`,
        ]),
    ...absent.flatMap((name) => [`  ${name}:`, "    disabled: true"]),
    "",
  ].join("\n");
}
