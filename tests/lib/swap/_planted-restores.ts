/** Controllers that restore wrongly, each in one way, and what has to be seen of it. */
import { Fault } from "../../../lib/fault.ts";
import { SwapEngine } from "../../../lib/swap/engine.ts";
import { afterDeath, type RestoreMeans } from "../../../lib/swap/restore.ts";
import type { SwapRecord } from "../../../lib/swap/swap-store.ts";
import { type Controller, REAL_CONTROLLER } from "./_model-history.ts";

type AfterDeath = typeof afterDeath;

/** @param change of the engine, beside what follows a death */
function controller(planted: AfterDeath, change: (engine: SwapEngine) => void = () => undefined): Controller {
  class Planted extends SwapEngine {
    protected override afterDeath(...given: Parameters<AfterDeath>) {
      return planted(...given);
    }
  }
  return {
    ...REAL_CONTROLLER,
    engine(options) {
      const engine = new Planted(options);
      change(engine);
      return engine;
    },
  };
}

/** It asks, and does not listen to a refusal of this kind. */
const deafTo =
  (kind: Fault["kind"]): AfterDeath =>
  (means, ...of) => {
    const mustBeFree: RestoreMeans["claims"]["mustBeFree"] = (order) => {
      try {
        means.claims.mustBeFree(order);
      } catch (error) {
        if (!(error instanceof Fault) || error.kind !== kind) throw error;
      }
    };
    const touchedSlots: RestoreMeans["claims"]["touchedSlots"] = (...which) => means.claims.touchedSlots(...which);
    return afterDeath({ ...means, claims: { mustBeFree, touchedSlots } }, ...of);
  };

const withRestore =
  (change: (restore: SwapRecord, died: SwapRecord) => SwapRecord): AfterDeath =>
  (means, died, ...of) => {
    const after = afterDeath(means, died, ...of);
    if (!after.restore) return after;
    const restore = change(after.restore, died);
    means.store.save(restore);
    return { ...after, restore };
  };

export const PLANTED_RESTORES: Readonly<Record<string, { readonly controller: Controller; readonly seen: RegExp }>> = {
  "restores without looking what somebody has started there by hand": {
    controller: controller(
      withRestore((restore) => ({ ...restore, order: { ...restore.order, onlyWhereNothingRuns: false } })),
    ),
    seen: /restores, and has stopped the vLLM of by-hand/,
  },
  "restores where a swap or a stop is under way": {
    controller: controller(deafTo("conflict"), (engine) => {
      engine.claims.isTouched = () => false;
    }),
    seen: /restores \S+ (beside|while its slot is being stopped|although the vLLM before)/,
  },
  "restores what somebody else has reserved": {
    controller: controller(deafTo("locked")),
    // The refusal that it does not listen to comes before the one for a swap that is under way.
    seen: /restores \S+ (although somebody else has reserved it|beside|while its slot is being stopped)/,
  },
  "restores where another slot's model would have to stop": {
    controller: controller((means, ...of) => {
      const { claims } = means;
      const mustBeFree: RestoreMeans["claims"]["mustBeFree"] = (order) => claims.mustBeFree(order);
      return afterDeath({ ...means, claims: { mustBeFree, touchedSlots: () => new Set() } }, ...of);
    }),
    seen: /restores \S+ and \S+ would have to stop/,
  },
  "restores what was claimed under a reservation that a person has ended": {
    controller: controller((means, ...of) => afterDeath({ ...means, wasForced: () => false }, ...of)),
    seen: /restores \S+ although a person has ended its reservation/,
  },
  "loses the reservation on a restore": {
    controller: controller(withRestore((restore) => ({ ...restore, order: { ...restore.order, reservation: null } }))),
    seen: /restores \S+ under another reservation/,
  },
  "forgets that it has told of a death": {
    controller: controller((means, died, ...of) => {
      const after = afterDeath(means, died, ...of);
      means.store.save(died);
      return after;
    }),
    seen: /was restored (1 times, it says by undefined|before)/,
  },
  "restores what has been restored": {
    controller: controller(
      withRestore((restore, { order }) => ({
        ...restore,
        order: { ...restore.order, previous: order.model },
        machine: { ...restore.machine, canRollBack: true },
      })),
    ),
    // A way back of a restore is a second one, and stops what the first has loaded.
    seen: /in place of what was restored already|restores, and has stopped the vLLM of \S+-back/,
  },
};
