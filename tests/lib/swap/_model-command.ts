/** What a history of the model test is made of. */
import type { Mishap } from "./_model-cluster.ts";
import type { PlannedFault } from "./_model-link.ts";

/** Who may have a reservation; its token is the name. */
export const PEOPLE = ["ann", "bob"] as const;

export type Command =
  /** @param who one of `PEOPLE`, with a token if it has one */
  | {
      readonly do: "start";
      readonly model: number;
      readonly slot: number;
      readonly rollback: boolean;
      readonly who: number;
    }
  | { readonly do: "cancel" | "resolve" | "restart" | "kill" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "events"; readonly count: number }
  | { readonly do: "mishap"; readonly mishap: Mishap }
  | { readonly do: "reboot" | "away"; readonly spark: number; readonly ms: number }
  /** Every model that serves dies without a word. */
  | { readonly do: "die" }
  /** Until no swap is under way, for a while at most. */
  | { readonly do: "rest" }
  | { readonly do: "reserve"; readonly who: number }
  | { readonly do: "release" }
  /** A person ends a reservation. @param killed the controller, before it does anything about that */
  | { readonly do: "force"; readonly killed: boolean }
  | { readonly do: "stop" | "start_by_hand" | "stop_by_hand"; readonly slot: number };

export interface History {
  /** Which slots there are: 0 to `ARRANGEMENTS` - 1. */
  readonly arrangement: number;
  readonly commands: readonly Command[];
  readonly faults: readonly PlannedFault[];
  /** Of the history's own chance: how long each answer takes. */
  readonly seed: number;
}
