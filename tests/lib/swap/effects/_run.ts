/** A `Run` for one effect: Sparks in memory, short waits, and a log to look at. */
import type { SparkControl } from "../../../../lib/swap/cluster.ts";
import { DrainDesk } from "../../../../lib/swap/drain-desk.ts";
import type { Belief } from "../../../../lib/swap/facts.ts";
import { type LoadTimes, NOT_WATCHED } from "../../../../lib/swap/load-clock.ts";
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
  settleMs: 0,
  settleLookMs: 1,
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
  readonly loadTimes?: LoadTimes;
  /** Lines that the store has from an earlier controller. */
  readonly stored?: readonly string[];
}

export interface TestRun extends Run {
  /** What was logged, as `source: line`. */
  readonly lines: string[];
  readonly progressed: LoadProgress[];
  /** What it waited for, by its evidence; null: it no longer did. */
  readonly waits: (string | null)[];
  readonly watchedTimes: LoadTimes[];
  /** Generations that it has gone above. */
  readonly raised: readonly number[];
}

export function aRun({
  control,
  order,
  beliefs = [],
  topology = aTopology(),
  settings,
  timing,
  inFlight = () => 0,
  loadTimes = NOT_WATCHED,
  stored = [],
}: RunOptions = {}): TestRun {
  const lines: string[] = [];
  const progressed: LoadProgress[] = [];
  const waits: (string | null)[] = [];
  const raised: number[] = [];
  const watched: LoadTimes[] = [];
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
    loadTimes,
    watched: (times) => void watched.push(times),
    waitsFor: (failure) => void waits.push(failure?.evidence ?? failure?.message ?? null),
    telling: () => void lines.push("telling"),
    get hasTold() {
      return lines.includes("telling");
    },
    log: (line) => void lines.push(`controller: ${line}`),
    logRemote: ({ source, text }) => {
      tail.push(text);
      lines.push(`${source}: ${text}`);
      return !stored.includes(text);
    },
    tail: () => tail,
    beginReading: () => {
      tail = [];
      return () => 0;
    },
    inFlight,
    slotOf: () => null,
    reservedBy: () => null,
    highestGeneration: () => 8,
    raiseGeneration: (seen) => void raised.push(seen),
    raised,
    progress: (progress) => void progressed.push(progress),
    lines,
    progressed,
    waits,
    watchedTimes: watched,
  };
}
