/** Random histories of the swap engine: what is asked of it, and what happens to the Sparks meanwhile. */
import fc from "fast-check";
import type { Mishap } from "./_model-cluster.ts";
import type { Command, History } from "./_model-history.ts";
import type { CallFault } from "./_model-link.ts";
import { ARRANGEMENTS } from "./_model-scene.ts";

const MISHAPS: readonly Mishap[] = [
  "out_of_memory",
  "killed_silently",
  "stuck",
  "dies_after_ready",
  "launch_exits_zero",
  "stop_ineffective",
];
const CALL_FAULTS: readonly CallFault[] = ["refused", "lost", "slow", "late"];

const start = fc.record({
  do: fc.constant("start" as const),
  model: fc.nat(2),
  slot: fc.nat(2),
  rollback: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});
/** Long enough for a load, or to come back to in its middle. */
const pass = fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 9_000 }) });
/** To the next answer of a Spark, or some answers further: everything lies between two of them. */
const events = fc.record({ do: fc.constant("events" as const), count: fc.integer({ min: 1, max: 120 }) });
const act = fc.record({ do: fc.constantFrom("cancel", "resolve", "restart", "kill") });
const mishap = fc.record({ do: fc.constant("mishap" as const), mishap: fc.constantFrom(...MISHAPS) });
const outage = fc.record({
  do: fc.constantFrom("reboot", "away"),
  spark: fc.nat(1),
  ms: fc.integer({ min: 100, max: 12_000 }),
});
const die = fc.record({ do: fc.constant("die" as const) });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: start },
  { weight: 8, arbitrary: pass },
  { weight: 6, arbitrary: events },
  { weight: 4, arbitrary: act },
  { weight: 4, arbitrary: mishap },
  { weight: 2, arbitrary: outage },
  { weight: 1, arbitrary: die },
);

export const history: fc.Arbitrary<History> = fc.record({
  arrangement: fc.nat(ARRANGEMENTS - 1),
  commands: fc.array(command, { maxLength: 24, size: "max" }),
  faults: fc.array(fc.record({ after: fc.nat(120), fault: fc.constantFrom(...CALL_FAULTS) }), { maxLength: 8 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
});
