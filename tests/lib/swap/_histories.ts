/** Random histories of the swap engine: what is asked of it, and what happens to the Sparks meanwhile. */
import fc from "fast-check";
import type { Mishap } from "./_model-cluster.ts";
import type { Command, History } from "./_model-command.ts";
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
  who: fc.nat(2),
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

const reserve = fc.record({ do: fc.constant("reserve" as const), who: fc.nat(1) });
const release = fc.constant({ do: "release" as const });
const force = fc.record({ do: fc.constant("force" as const), killed: fc.boolean() });
const person = fc.record({ do: fc.constantFrom("stop", "start_by_hand", "stop_by_hand"), slot: fc.nat(2) });
const people = fc.oneof(reserve, release, force, person);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: start },
  { weight: 8, arbitrary: pass },
  { weight: 6, arbitrary: events },
  { weight: 4, arbitrary: act },
  { weight: 4, arbitrary: mishap },
  { weight: 2, arbitrary: outage },
  { weight: 1, arbitrary: die },
  { weight: 2, arbitrary: people },
);

const seed = fc.integer({ min: 1, max: 2 ** 31 - 2 });
const fault = fc.record({ after: fc.nat(120), fault: fc.constantFrom(...CALL_FAULTS) });

/** All that may happen, in any order. */
export const anything: fc.Arbitrary<History> = fc.record({
  arrangement: fc.nat(ARRANGEMENTS - 1),
  commands: fc.array(command, { maxLength: 24, size: "max" }),
  faults: fc.array(fault, { maxLength: 8 }),
  seed,
});

/** Around the moment in which a death is told and its restore begins, each step counts. */
const nearDeath: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("events" as const), count: fc.integer({ min: 1, max: 25 }) }) },
  { weight: 4, arbitrary: act },
  { weight: 2, arbitrary: start },
  { weight: 1, arbitrary: mishap },
  { weight: 1, arbitrary: outage },
  { weight: 2, arbitrary: die },
  { weight: 8, arbitrary: people },
  { weight: 2, arbitrary: fc.constant({ do: "rest" as const }) },
);

/** One model, another one in its place, and its death soon after it was ready. */
export const aroundDeath: fc.Arbitrary<History> = fc
  .record({
    arrangement: fc.nat(ARRANGEMENTS - 1),
    before: fc.array(fc.oneof(start, reserve), { maxLength: 1 }),
    starts: fc.tuple(start, start),
    /** Loaded in another slot before the death is told. */
    neighbour: fc.option(start, { freq: 2 }),
    isReserved: fc.boolean(),
    between: fc.array(nearDeath, { maxLength: 2 }),
    after: fc.array(nearDeath, { maxLength: 12 }),
    faults: fc.array(fault, { maxLength: 2 }),
    seed,
  })
  .map(({ arrangement, before, starts: [one, other], neighbour, isReserved, between, after, faults, seed }) => {
    const rest = { do: "rest" as const };
    const who = isReserved ? 0 : 2;
    const commands: Command[] = [
      ...before,
      rest,
      ...(isReserved ? [{ do: "reserve" as const, who }] : []),
      { ...one, who },
      rest,
      { ...other, slot: one.slot, rollback: true, who },
      rest,
      ...(neighbour ? [{ ...neighbour, slot: one.slot + 1, who }, rest] : []),
      ...between,
      { do: "die" },
      ...after,
    ];
    return { arrangement, commands, faults, seed };
  });

export const history: fc.Arbitrary<History> = fc.oneof(
  { weight: 3, arbitrary: anything },
  { weight: 1, arbitrary: aroundDeath },
);
