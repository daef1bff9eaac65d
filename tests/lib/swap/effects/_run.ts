/** A `Run` for one effect: Sparks in memory, short waits, and a log to look at. */
import type { SparkControl } from "../../../../lib/swap/cluster.ts";
import { DrainDesk } from "../../../../lib/swap/drain-desk.ts";
import type { Belief } from "../../../../lib/swap/facts.ts";
import type { SwapOrder } from "../../../../lib/swap/order.ts";
import type { LoadProgress } from "../../../../lib/swap/phases.ts";
import type { Run } from "../../../../lib/swap/run.ts";
import type { Timing } from "../../../../lib/swap/timing.ts";
import type { Settings, Topology } from "../../../../lib/topology/topology.ts";
import { aModel, aSlot, aTopology, SETTINGS, someSparks } from "../_fixtures.ts";

const IMPATIENT: Timing = {
  followMs: 1,
  probeMs: 1,
  lookMs: 1,
  sshDeadlineMs: 1_000,
  httpDeadlineMs: 1_000,
  stopGraceSeconds: 1,
  stopDeadlineMs: 10_000,
  verifyDeadlineMs: 10_000,
  drainAskMs: 10_000,
  contactDeadlineMs: 10_000,
};

export interface RunOptions {
  readonly control?: Partial<SparkControl>;
  readonly order?: Partial<SwapOrder>;
  readonly beliefs?: readonly Belief[];
  readonly topology?: Topology;
  readonly settings?: Partial<Settings>;
  readonly timing?: Partial<Timing>;
  readonly inFlight?: (slot: string) => number;
}

export interface TestRun extends Run {
  /** What was logged, as `source: line`. */
  readonly lines: string[];
  readonly progressed: LoadProgress[];
}

export function aRun({
  control,
  order,
  beliefs = [],
  topology = aTopology(),
  settings,
  timing,
  inFlight = () => 0,
}: RunOptions = {}): TestRun {
  const lines: string[] = [];
  const progressed: LoadProgress[] = [];
  let tail: string[] = [];
  return {
    jobId: "swap-1",
    generation: 7,
    order: { model: aModel(), slot: aSlot(), previous: null, ...order },
    control: someSparks(control),
    timing: { ...IMPATIENT, ...timing },
    timeScale: 1,
    drainDesk: new DrainDesk(),
    topology: () => topology,
    settings: () => ({ ...SETTINGS, ...settings }),
    beliefs: () => beliefs,
    pastLoads: () => [],
    download: () => null,
    news: () => undefined,
    log: (line) => void lines.push(`controller: ${line}`),
    logRemote: (source, line) => {
      tail.push(line);
      lines.push(`${source}: ${line}`);
    },
    tail: () => tail,
    beginReading: () => {
      tail = [];
    },
    inFlight,
    slotOf: () => null,
    isReserved: () => false,
    raiseGeneration: () => undefined,
    progress: (progress) => void progressed.push(progress),
    lines,
    progressed,
  };
}
