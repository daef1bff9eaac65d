/**
 * The reservation lock against a reference that shares no code with it, in random histories of up to 30 steps: acquire, repeat,
 * renew, release, force, wait, leave, time that passes, clocks that are set, kills before and after the commit, restarts of
 * controller and machine, swaps that start and end. `_play.ts` compares after every step.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { history } from "./_history.ts";
import { type Mistake, play } from "./_play.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 100_000);
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
/** A planted mistake must be found within this many. */
const RUNS_TO_FIND = 5_000;
const DEADLINE_MS = 600_000;

const MISTAKES: Readonly<Record<string, Mistake>> = {
  "grants what is held": (options) => {
    let reads = 0;
    return { ...options, store: { ...options.store, read: () => (++reads % 7 === 0 ? null : options.store.read()) } };
  },
  "loses a grant that it acknowledged": (options) => {
    let writes = 0;
    const write: typeof options.store.write = (grant) => {
      if (++writes % 5 !== 0) options.store.write(grant);
    };
    return { ...options, store: { ...options.store, write } };
  },
  "uses a generation twice": (options) => {
    let asked = 0;
    const nextGeneration = () => (++asked % 4 === 0 ? options.highestGeneration() : options.nextGeneration());
    return { ...options, nextGeneration };
  },
  "lives by the wall clock": (options) => ({
    ...options,
    clock: {
      now: () => {
        const { wallMs, boot } = options.clock.now();
        return { wallMs, steadyMs: wallMs, boot };
      },
    },
  }),
  "lives by the steady clock of another boot": (options) => ({
    ...options,
    clock: { now: () => ({ ...options.clock.now(), boot: "always the same" }) },
  }),
  "brings back what has ended": (options) => ({ ...options, store: { ...options.store, isSpent: () => false } }),
  "does not see running swaps": (options) => ({ ...options, runningSwaps: () => [] }),
};

describe(`the reservation lock in random histories (seed ${SEED})`, () => {
  test(
    `is as the reference in ${RUNS} of them`,
    async () => {
      const sums = { granted: 0, refused: 0, waited: 0, expired: 0, killed: 0 };

      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          const played = await play(steps);
          for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += played[name];
        }),
        { numRuns: RUNS, seed: SEED },
      );

      // Histories in which nothing happens would prove nothing.
      for (const [name, times] of Object.entries(sums)) expect([name, times > RUNS / 10]).toEqual([name, true]);
    },
    DEADLINE_MS,
  );

  for (const [what, mistake] of Object.entries(MISTAKES))
    test(
      `one that ${what} is found out`,
      async () => {
        const property = fc.asyncProperty(history, async (steps) => {
          await play(steps, mistake);
        });

        const found = await fc.check(property, { numRuns: RUNS_TO_FIND, seed: SEED, endOnFailure: true });

        expect(found.failed).toBe(true);
      },
      DEADLINE_MS,
    );
});
