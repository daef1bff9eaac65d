/**
 * The simulated cluster: Sparks that are not there, behind real SSH and HTTP on loopback. It runs no process and
 * touches no file; every HTTP answer carries `X-Spark-Simulated: 1`.
 */
import { nodeAddresses, PortPicker } from "./addresses.ts";
import { startBot } from "./bot.ts";
import { Changes } from "./changes.ts";
import { actOut, type FaultTarget } from "./fault-actions.ts";
import { FaultBook, type SimulatedFault } from "./faults.ts";
import { furnishDisk, startService, VLLM_IMAGE } from "./furnish.ts";
import { SERVICES } from "./services.ts";
import { Shell } from "./shell.ts";
import { SimulatedSpark } from "./spark.ts";
import { Scheduler } from "./speed.ts";
import { SshDoor } from "./ssh-door.ts";
import { type PlacedService, servicesYaml, topologyYaml } from "./topology-yaml.ts";

export const MOST_NODES = 64;
const VLLM_PORT = 8888;
const CONTAINER = "vllm_node";
const DEFAULT_DEADLINE_MS = 20_000;

export interface SimulatorOptions {
  /** Simulated seconds per real second. 1 is real time, about 20 makes a good demonstration, tests use 200 and more. */
  readonly speed: number;
  /** Public key of the controller, one line as in authorized_keys: the only one accepted, for the user `spark`. */
  readonly authorizedKey: string;
  /** 1 to 64; 2 by default. */
  readonly nodes?: number;
  /**
   * `standard`: 8888 and so on where they are free at the start; `ephemeral` (default): whatever is free. A port on which
   * nothing listens yet cannot be kept: who takes it in the meantime makes the simulated vLLM die on it, as a real one does.
   */
  readonly ports?: "standard" | "ephemeral";
  /** Which release of launch-cluster.sh lies on the Sparks; `new` by default. */
  readonly launchScript?: "old" | "new";
  /** Put every node on 127.0.0.1, as happens by itself where the system has no other loopback address (macOS). */
  readonly sharedAddress?: boolean;
  /** Run the services beside vLLM; true by default. */
  readonly services?: boolean;
}

export interface SimulatedCluster {
  /** The topology.yaml of this cluster: nodes, a slot `main` over all of them. */
  readonly topologyYaml: string;
  /** Its services-overrides.yaml. */
  readonly servicesYaml: string;
  readonly nodes: readonly SimulatedSpark[];
  /** Of the slot `main`. */
  readonly vllmPort: number;
  /** Whether its shell has a command or a named script of that name. */
  knows(name: string): boolean;
  inject(fault: SimulatedFault): void;
  /** Forgets every fault and undoes what can be undone (not a reboot, not a new host key). */
  clear(): void;
  /** Resolves when the predicate holds; checked at every change of the model. @param deadlineMs real milliseconds */
  until(predicate: (cluster: SimulatedCluster) => boolean, deadlineMs?: number): Promise<void>;
  /** Every listener and timer is gone when it resolves. */
  close(): Promise<void>;
}

/** @throws RangeError for a number of nodes or a speed out of range */
export async function startSimulator(options: SimulatorOptions): Promise<SimulatedCluster> {
  const count = options.nodes ?? 2;
  if (!Number.isInteger(count) || count < 1 || count > MOST_NODES) {
    throw new RangeError(`nodes must be a whole number from 1 to ${MOST_NODES}`);
  }
  const scheduler = new Scheduler(options.speed);
  const changes = new Changes();
  const undo: (() => void)[] = [];
  const targets: FaultTarget[] = [];
  const faults = new FaultBook((fault) => {
    for (const target of targets) {
      if (fault.node === undefined || fault.node === target.spark.name) undo.push(actOut(fault, target));
    }
    changes.notify();
  });
  const addresses = await nodeAddresses(count, options.sharedAddress ?? false);
  const nodes = addresses.map(
    (address, index) => new SimulatedSpark({ name: `spark-${index + 1}`, index, address, scheduler, changes, faults }),
  );
  const shell = new Shell(options.launchScript ?? "new");
  const picker = new PortPicker(options.ports ?? "ephemeral");
  const head = nodes[0]!;
  const vllmPort = await picker.pick(head.address, VLLM_PORT);
  for (const spark of nodes) {
    furnishDisk(spark, options.launchScript ?? "new");
    const door = new SshDoor(spark, nodes, shell, options.authorizedKey);
    await door.open();
    targets.push({ spark, door, port: vllmPort, container: CONTAINER });
  }
  const placed: PlacedService[] = [];
  const host = nodes[1] ?? head;
  for (const service of options.services === false ? [] : SERVICES) {
    const port = await picker.pick(host.address, service.port);
    startService(host, service, port);
    placed.push({ service, node: host.name, port });
  }

  if (options.services !== false) startBot(host);

  const undoAll = () => {
    faults.clear();
    for (const one of undo.splice(0).reverse()) one();
    changes.notify();
  };
  const cluster: SimulatedCluster = {
    topologyYaml: topologyYaml(nodes, { port: vllmPort, container: CONTAINER, image: VLLM_IMAGE }),
    servicesYaml: servicesYaml(placed, SERVICES, options.services === false ? null : host.name),
    nodes,
    vllmPort,
    knows: (name) => shell.knows(name),
    inject: (fault) => faults.add(fault),
    clear: undoAll,
    until: (predicate, deadlineMs = DEFAULT_DEADLINE_MS) => changes.until(() => predicate(cluster), deadlineMs),
    async close() {
      scheduler.close();
      await Promise.all(nodes.map((spark) => spark.close()));
      await Promise.all(targets.map(({ door }) => door.close()));
    },
  };
  return cluster;
}
