/** Random histories of the lock: what clients ask, what time does, what befalls the controller. */
import fc from "fast-check";

export const CLIENTS = 4;
export const SLOT_NODES = { main: ["spark-1"], second: ["spark-2"], both: ["spark-1", "spark-2"] } as const;
type SlotName = keyof typeof SLOT_NODES;

interface Asks {
  readonly client: number;
  readonly ttlSeconds: number;
  readonly slots: readonly SlotName[] | null;
  readonly allowRunningSwap: boolean;
  /** With a request id, so that it can be repeated. */
  readonly named: boolean;
}

/** When the controller is killed, if it is: `before` the commit of the step, or `after` it and before the answer. */
export type Kill = "before" | "after" | null;

export type Step =
  | ({ readonly do: "acquire"; readonly kill: Kill } & Asks)
  | ({ readonly do: "wait" } & Asks)
  | { readonly do: "repeat"; readonly client: number; readonly kill: Kill }
  | { readonly do: "renew"; readonly client: number; readonly ttlSeconds: number; readonly kill: Kill }
  | { readonly do: "release"; readonly client: number; readonly kill: Kill }
  | { readonly do: "force"; readonly meant: "any" | "held" | "older"; readonly kill: Kill }
  | { readonly do: "leave"; readonly which: number }
  | { readonly do: "swap"; readonly client: number | null; readonly slot: SlotName }
  | { readonly do: "swap_ends"; readonly which: number }
  /** A stop of what runs in a slot; of a service beside it, when `beside`. */
  | { readonly do: "stop"; readonly client: number | null; readonly slot: SlotName; readonly beside: boolean }
  | { readonly do: "stop_ends"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number; readonly looked: boolean }
  | { readonly do: "set_clock"; readonly bySeconds: number }
  | { readonly do: "restart" }
  | { readonly do: "reboot"; readonly downMs: number; readonly behind: boolean };

const client = fc.nat(CLIENTS - 1);
const ttlSeconds = fc.integer({ min: 1, max: 120 });
const kill = fc.oneof(
  { weight: 12, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom<Kill>("before", "after") },
);
const asks = {
  client,
  ttlSeconds,
  slots: fc.constantFrom<readonly SlotName[] | null>(null, null, ["main"], ["second"], ["main", "second"], ["both"]),
  allowRunningSwap: fc.boolean(),
  named: fc.boolean(),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("acquire" as const), ...asks, kill }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ...asks }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("repeat" as const), client, kill }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("renew" as const), client, ttlSeconds, kill }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("release" as const), client, kill }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("force" as const), meant: fc.constantFrom("any", "held", "older"), kill }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), which: fc.nat(7) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("swap" as const),
      client: fc.oneof(client, fc.constant(null)),
      slot: fc.constantFrom<SlotName>("main", "second", "both"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("swap_ends" as const), which: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("stop" as const),
      client: fc.oneof(client, fc.constant(null)),
      slot: fc.constantFrom<SlotName>("main", "second", "both"),
      beside: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("stop_ends" as const), which: fc.nat(3) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.integer({ min: 1, max: 180 }).map((half) => half * 500),
      looked: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("set_clock" as const),
      bySeconds: fc.oneof(
        fc.integer({ min: -90_000, max: 90_000 }),
        // Too little to be told of as a clock that was set.
        fc.constantFrom(-1.5, -0.9, -0.2, 0.2, 0.9, 1, 1.5),
        fc.constantFrom(-1.7e9, 1.7e9),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reboot" as const),
      downMs: fc.integer({ min: 1, max: 120 }).map((seconds) => seconds * 1000),
      behind: fc.boolean(),
    }),
  },
);

export const history = fc.array(step, { minLength: 1, maxLength: 30, size: "max" });
