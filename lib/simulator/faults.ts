/** Ways of failing that can be asked of the simulated cluster, and the book of those asked for. */

/** A point in a model's start-up. Percent of the weights read, or the moment it answers. */
export type FaultMoment = { readonly weightsPercent: number } | "ready";

/**
 * A load fails: `out_of_memory` (PyTorch's allocation error, or vLLM's check before it), `engine_core_failed`,
 * `progress_stuck` (forever, at a percentage of the weights), `killed_silently` (SIGKILL, no log line),
 * `dies_after_ready`. A launch fails: `launch_script_missing`, `image_missing`, `container_name_taken`, `port_taken`
 * (a foreign listener that answers something else), `launch_exits_zero` (nothing runs), `worker_ssh_denied` (from
 * the head), `disk_full`, `docker_stop_ineffective`. The node: `ssh_refused` (port closed), `ssh_silent` (TCP only),
 * `docker_denied` (the user is not in its group), `gpu_missing` (no driver), `key_refused`, `host_key_changed`, `unreachable` (silent: packets vanish; reset: refused), `reboot`, `clock_off`.
 * A service beside vLLM: `service_dies` (now, and at each start again), `service_fails` (500 at its work, while it says that it is well),
 * `service_silent` (it accepts and does not answer). Of the bot: `service_update_denied` (its deploy key), `service_update_stuck`.
 */
export type FaultKind =
  | { readonly kind: "out_of_memory"; readonly variant?: "allocation" | "free_memory" }
  | { readonly kind: "engine_core_failed" | "killed_silently" | "launch_exits_zero" }
  | { readonly kind: "progress_stuck"; readonly percent: number }
  | { readonly kind: "dies_after_ready"; readonly seconds?: number }
  | { readonly kind: "launch_script_missing" | "image_missing" | "worker_ssh_denied" | "disk_full" }
  | { readonly kind: "docker_stop_ineffective" | "docker_denied" | "gpu_missing" | "files_of_root" }
  | { readonly kind: "container_name_taken"; readonly container?: string }
  | { readonly kind: "port_taken"; readonly port?: number }
  | { readonly kind: "ssh_refused" | "ssh_silent" | "key_refused" | "host_key_changed" }
  | { readonly kind: "unreachable"; readonly how?: "silent" | "reset"; readonly seconds?: number }
  | { readonly kind: "reboot"; readonly downSeconds?: number }
  | { readonly kind: "clock_off"; readonly seconds?: number }
  | { readonly kind: ServiceFaultKind; readonly service: string };

export type ServiceFaultKind =
  | "service_dies"
  | "service_fails"
  | "service_silent"
  | "service_update_denied"
  | "service_update_stuck";

export type SimulatedFault = FaultKind & {
  /** Name of the node it is bound to; every node otherwise. `worker_ssh_denied`: the worker. */
  readonly node?: string;
  /** How often it strikes; without it, until `clear()`. An action such as `reboot` strikes once each time it is armed. */
  readonly times?: number;
  /** Armed only when a load on the node gets there; without it at once (load faults: at their usual place). */
  readonly at?: FaultMoment;
};

/** Faults that act on a node once, when they are armed. */
const ACTIONS: ReadonlySet<string> = new Set<SimulatedFault["kind"]>([
  "container_name_taken",
  "port_taken",
  "ssh_refused",
  "host_key_changed",
  "unreachable",
  "reboot",
  "clock_off",
  "service_dies",
]);
/** Faults of the vLLM process itself, taken by it when it gets to their moment. */
const OF_LOADS: ReadonlySet<string> = new Set<SimulatedFault["kind"]>([
  "out_of_memory",
  "engine_core_failed",
  "killed_silently",
  "progress_stuck",
  "dies_after_ready",
]);

interface Entry {
  readonly fault: SimulatedFault;
  armed: boolean;
  left: number;
}

function matches(fault: SimulatedFault, node: string): boolean {
  return fault.node === undefined || fault.node === node;
}

/** @returns whether a load that is `percent` through its weights (ready: 101) has reached the moment */
function reached(moment: FaultMoment, percent: number): boolean {
  return moment === "ready" ? percent > 100 : percent >= moment.weightsPercent;
}

export class FaultBook {
  #entries: Entry[] = [];

  /** @param act does what an action fault asks for */
  constructor(private readonly act: (fault: SimulatedFault) => void) {}

  add(fault: SimulatedFault): void {
    const entry = { fault, armed: fault.at === undefined, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#entries.push(entry);
    if (entry.armed && ACTIONS.has(fault.kind)) this.#strike(entry);
  }

  clear(): void {
    this.#entries = [];
  }

  /** Whether a fault of the kind strikes now on the node; counts as one of its times. */
  strikes(kind: SimulatedFault["kind"], node: string): boolean {
    return this.take(kind, node) !== undefined;
  }

  /** Whether it would strike; does not count. */
  pending(kind: SimulatedFault["kind"], node: string): boolean {
    return this.#entries.some(
      (one) => one.fault.kind === kind && one.left > 0 && one.armed && matches(one.fault, node),
    );
  }

  /** Whether a service has this fault now; does not count. */
  ofService(kind: ServiceFaultKind, node: string, service: string): boolean {
    return this.#entries.some(
      ({ fault, left }) => fault.kind === kind && left > 0 && fault.service === service && matches(fault, node),
    );
  }

  /** As `strikes`, with the fault. */
  take<K extends SimulatedFault["kind"]>(kind: K, node: string): Extract<SimulatedFault, { kind: K }> | undefined {
    return this.#take(kind, [node], ({ armed }) => armed);
  }

  /**
   * A fault of a load, taken by the load itself when it is bound to one of the load's nodes.
   * @param percent how far through its weights the load is; 101 when it is ready
   * @param usual   where the fault strikes when it names no moment
   */
  takeInLoad<K extends SimulatedFault["kind"]>(
    kind: K,
    nodes: readonly string[],
    percent: number,
    usual: (fault: Extract<SimulatedFault, { kind: K }>) => number,
  ): Extract<SimulatedFault, { kind: K }> | undefined {
    return this.#take(kind, nodes, ({ fault }) =>
      fault.at === undefined
        ? percent >= usual(fault as Extract<SimulatedFault, { kind: K }>)
        : reached(fault.at, percent),
    );
  }

  #take<K extends SimulatedFault["kind"]>(
    kind: K,
    nodes: readonly string[],
    strikes: (entry: Entry) => boolean,
  ): Extract<SimulatedFault, { kind: K }> | undefined {
    const entry = this.#entries.find(
      (one) =>
        one.fault.kind === kind && one.left > 0 && nodes.some((node) => matches(one.fault, node)) && strikes(one),
    );
    if (!entry) return undefined;
    entry.left -= 1;
    return entry.fault as Extract<SimulatedFault, { kind: K }>;
  }

  /** A load on these nodes is at `percent` of its weights (101: ready): arms what waited for it. */
  loadReached(nodes: readonly string[], percent: number): void {
    for (const entry of this.#entries) {
      const { fault } = entry;
      if (entry.armed || fault.at === undefined || OF_LOADS.has(fault.kind)) continue;
      if (!nodes.some((node) => matches(fault, node)) || !reached(fault.at, percent)) continue;
      entry.armed = true;
      if (ACTIONS.has(fault.kind)) this.#strike(entry);
    }
  }

  #strike(entry: Entry): void {
    if (entry.left <= 0) return;
    entry.left -= 1;
    this.act(entry.fault);
  }
}
