/**
 * The swap engine with its real effects in random histories: swaps to three models in one to three slots, cancels, restarts
 * and kills of the controller, refused calls, lost and late answers, reboots, silent deaths. A run is one history of up to 24 commands
 * and up to 8 failing calls, played until it has come to rest (_model-history.ts says what must hold).
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Run } from "../../../lib/swap/run.ts";
import type { EffectBodies } from "../../../lib/swap/run-services.ts";
import { anything, aroundDeath, history } from "./_histories.ts";
import { play, REAL_CONTROLLER, REAL_EFFECTS } from "./_model-history.ts";
import { PLANTED_RESTORES } from "./_planted-restores.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 10_000);
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);
/** Where planted mistakes are looked for: that they are found out is shown by the same histories each time. */
const PLANTED_SEED = Number(process.env.MODEL_SEED ?? 1);
/** A planted mistake must be found within this many: the rarest show in one history of two thousand. */
const RUNS_TO_FIND = 30_000;
const DEADLINE_MS = 600_000;

describe(`the swap engine in random histories (seed ${SEED})`, () => {
  test(
    `keeps in ${RUNS} runs: one vLLM a slot, no false ready, no lost job, rest in truth`,
    async () => {
      const ends = { ready: 0, failed: 0, cancelled: 0, rolledBack: 0, restored: 0 };

      await fc.assert(
        fc.asyncProperty(history, async (given) => {
          for (const { state, rolled_back_to, restores } of await play(given)) {
            if (state in ends) ends[state as keyof typeof ends] += 1;
            if (rolled_back_to !== null) ends.rolledBack += 1;
            if (restores && state === "ready") ends.restored += 1;
          }
        }),
        { numRuns: RUNS, seed: SEED },
      );

      // Histories in which nothing happens would prove nothing.
      const { restored, ...often } = ends;
      for (const [end, times] of Object.entries(often)) expect([end, times > RUNS / 200]).toEqual([end, true]);
      // A model before, a death in the few seconds after ready, and nobody who begins anything then: seldom.
      expect(restored).toBeGreaterThan(RUNS / 2_000);
    },
    DEADLINE_MS,
  );

  /** What each does wrong, and what must be seen of it: found out by something else, it would prove nothing. */
  const mistakes: Readonly<Record<string, { readonly effects: Partial<EffectBodies>; readonly seen: RegExp }>> = {
    "launches without a stop": {
      effects: { stop: () => Promise.resolve({ type: "stopped" }) },
      seen: /a second vLLM|nobody believes|is believed to serve|with nothing in it|has answered no chat/,
    },
    "says ready without a chat": {
      effects: { verify: () => Promise.resolve({ type: "verified" }) },
      seen: /has answered no chat/,
    },
    "skips the clean-up": {
      effects: { clean_up: () => Promise.resolve({ type: "cleaned" }) },
      seen: /a second vLLM|nobody believes|is believed to serve|with nothing in it|has answered no chat/,
    },
    "launches once more what is there already": {
      effects: {
        launch: (run, leg, signal) =>
          REAL_EFFECTS.launch(
            withPart(run, "control", {
              ...run.control,
              startJob: async (node, order, until) => {
                const { state } = await run.control.readJob(node, order.id, 0, 1, signal);
                return run.control.startJob(
                  node,
                  state === "absent" ? order : { ...order, id: `${order.id}-again` },
                  until,
                );
              },
            }),
            leg,
            signal,
          ),
      },
      // Whichever of the two outlives the other: only the first is known.
      seen: /a second vLLM|nobody believes|is believed to serve|has answered no chat/,
    },
    "stops on the head only": {
      effects: {
        stop: (run, leg, signal) =>
          REAL_EFFECTS.stop(
            withPart(run, "topology", () => ({ ...run.topology(), nodes: run.topology().nodes.slice(0, 1) })),
            leg,
            signal,
          ),
      },
      seen: /a second vLLM|nobody believes|is believed to serve|with nothing in it|has answered no chat/,
    },
  };

  const found = Object.entries(mistakes).map(([mistake, { effects, seen }]) => {
    const controller = { ...REAL_CONTROLLER, effects: { ...REAL_EFFECTS, ...effects } };
    return { mistake, controller, seen, where: anything };
  });
  const restores = Object.entries(PLANTED_RESTORES).map(([mistake, planted]) => ({
    ...{ mistake, ...planted },
    where: aroundDeath,
  }));

  for (const { mistake, controller, seen, where } of [...found, ...restores])
    test(
      `a controller that ${mistake} is found out`,
      async () => {
        const property = fc.asyncProperty(where, async (given) => {
          await play(given, controller);
        });

        const found = await fc.check(property, { numRuns: RUNS_TO_FIND, seed: PLANTED_SEED, endOnFailure: true });

        expect(String(found.errorInstance)).toMatch(seen);
      },
      DEADLINE_MS,
    );
});

/** The same run, one part of it exchanged. */
function withPart<Part extends keyof Run>(run: Run, part: Part, instead: Run[Part]): Run {
  return new Proxy(run, {
    get(target, name) {
      if (name === part) return instead;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
