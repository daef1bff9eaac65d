/** What is counted of swaps, the reservation and SSH. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Phases take from a second to an hour. */
const PHASE_SECONDS = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600];
const COMMAND_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface SwapStep {
  readonly state: string;
  readonly ended_at: string | null;
  readonly phases: readonly { readonly name: string; readonly started_at: string; readonly ended_at: string | null }[];
}

export interface SshCommand {
  readonly host: string;
  readonly seconds: number;
  /** `ok`, `exit_code`, or why there was no result. */
  readonly outcome: string;
}

export interface ClusterNow {
  readonly swapsRunning: number;
  /** Seconds since 1970 when the reservation ends; null: nothing is reserved. */
  readonly reservedUntil: number | null;
  /** Who wait for a reservation. */
  readonly lockWaiting: number;
}

export interface ClusterMetrics {
  swapEnded(swap: SwapStep): void;
  sshCommand(command: SshCommand): void;
}

/** @param now asked at each scrape */
export function createClusterMetrics(registry: Registry, now: () => ClusterNow): ClusterMetrics {
  const registers = [registry];
  const swaps = new Counter({
    name: "spark_swaps_total",
    help: "Swaps that are over, by how they ended",
    labelNames: ["outcome"],
    registers,
  });
  const phases = new Histogram({
    name: "spark_swap_phase_duration_seconds",
    help: "Phases of swaps that are over",
    labelNames: ["phase"],
    buckets: PHASE_SECONDS,
    registers,
  });
  const commands = new Counter({
    name: "spark_ssh_commands_total",
    help: "Commands over SSH; ok and exit_code have a result, the others say why there was none",
    labelNames: ["host", "outcome"],
    registers,
  });
  const duration = new Histogram({
    name: "spark_ssh_command_duration_seconds",
    help: "Commands over SSH, from the wish to the result, connecting included",
    labelNames: ["host"],
    buckets: COMMAND_SECONDS,
    registers,
  });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge("spark_swaps_running", "Swaps that own a slot now", () => now().swapsRunning);
  gauge("spark_lock_held", "1 while the GPUs are reserved", () => (now().reservedUntil === null ? 0 : 1));
  gauge("spark_lock_expiry_timestamp_seconds", "When the reservation ends; 0: none", () => now().reservedUntil ?? 0);
  gauge("spark_lock_waiting", "Who wait for a reservation", () => now().lockWaiting);
  return {
    swapEnded({ state, phases: spans }) {
      swaps.inc({ outcome: state });
      for (const { name, started_at, ended_at } of spans)
        if (ended_at !== null) phases.observe({ phase: name }, (Date.parse(ended_at) - Date.parse(started_at)) / 1000);
    },
    sshCommand({ host, seconds, outcome }) {
      commands.inc({ host, outcome });
      duration.observe({ host }, seconds);
    },
  };
}
