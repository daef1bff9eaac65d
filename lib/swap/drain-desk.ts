/** What a swap that waits for requests in flight shows, and what somebody answers to it. */
import { type Static, Type } from "@sinclair/typebox";
import { OneOf } from "../schema.ts";
import type { Settings } from "../topology/topology.ts";

/** What becomes of a swap when requests are still running at the end of its patience. */
export const ON_DRAIN_TIMEOUT = ["ask", "fail", "cut_off"] as const;
export type OnDrainTimeout = (typeof ON_DRAIN_TIMEOUT)[number];

export const DRAIN_ANSWERS = ["keep_waiting", "cut_off"] as const;
export type DrainAnswer = (typeof DRAIN_ANSWERS)[number];

export const DrainSchema = Type.Object(
  {
    remaining: Type.Integer({ description: "Requests that still run, or wait in the vLLM" }),
    figures_missing: Type.Boolean({
      description: "True: a vLLM gives no figures. What was sent straight to it may run too, unseen",
    }),
    on_timeout: OneOf(ON_DRAIN_TIMEOUT, { description: "What happens at `until` if some still run" }),
    until: Type.String({ description: "ISO 8601 UTC. While it asks: when the swap fails because nobody answered" }),
    asks: Type.Boolean({ description: "True: the patience is over. Wait on, cut off, or cancel" }),
    waited_seconds: Type.Integer(),
  },
  { title: "SwapDrain" },
);
export type Drain = Static<typeof DrainSchema>;

/** How long a swap waits for requests in flight, and what then. */
export interface DrainTerms {
  readonly seconds: number;
  readonly on_timeout: OnDrainTimeout;
}

export function drainTerms(
  order: { readonly onDrainTimeout?: OnDrainTimeout | null },
  settings: Pick<Settings, "drain_seconds" | "drain_on_timeout">,
): DrainTerms {
  return { seconds: settings.drain_seconds, on_timeout: order.onDrainTimeout ?? settings.drain_on_timeout };
}

export class DrainDesk {
  /** Null: it does not wait for requests. */
  shown: Drain | null = null;
  #answer: DrainAnswer | null = null;

  answer(answer: DrainAnswer): void {
    this.#answer = answer;
  }

  /** What was answered since it was last asked; null: nothing. */
  take(): DrainAnswer | null {
    const answer = this.#answer;
    this.#answer = null;
    return answer;
  }
}
