/** What each slot shows: the belief, the observation and the running swap, put together. Pure. */
import { type Static, Type } from "@sinclair/typebox";
import type { Catalog } from "../catalog/catalog.ts";
import type { Slot } from "../topology/topology.ts";
import type { Belief } from "./facts.ts";
import { servedName } from "./served.ts";
import type { SwapJob } from "./swap.ts";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export type SlotState = "serving" | "not_answering" | "idle" | "swapping" | "unknown";

export const SlotStatusSchema = Type.Object(
  {
    name: Type.String(),
    nodes: Type.Array(Type.String()),
    port: Type.Integer(),
    container: Type.String(),
    /** serving: answers. not_answering: was loaded, gives no answer. idle: nothing there. unknown: not looked at yet, or unreachable. */
    state: Type.Unsafe<SlotState>(
      Type.Union(
        (["serving", "not_answering", "idle", "swapping", "unknown"] as const).map((name) => Type.Literal(name)),
      ),
    ),
    /** Key of the catalog; null when nothing is served, or something that the catalog does not know. */
    model: Nullable(Type.String()),
    model_name: Nullable(Type.String()),
    /** What `/v1/models` lists. */
    served_ids: Type.Array(Type.String()),
    /** Since when `model` serves; null when it was not loaded from here. */
    since: Nullable(Type.String()),
    /** True when it answers, but was not loaded from here. */
    by_hand: Type.Boolean(),
    /** OpenAI-style base URL, `http://<address>:<port>/v1`; null while the address is not known. */
    url: Nullable(Type.String()),
    /** The swap that owns the slot now. */
    job_id: Nullable(Type.String()),
  },
  { title: "SlotStatus" },
);
export type SlotStatus = Static<typeof SlotStatusSchema>;

export interface SlotObservation {
  /** IPv4 address of the head; null when not known. */
  readonly address: string | null;
  /** Ids of `/v1/models`; null: no such answer. */
  readonly servedIds: readonly string[] | null;
}

export function slotStatus(
  slot: Slot,
  belief: Belief | undefined,
  seen: SlotObservation | undefined,
  job: SwapJob | undefined,
  catalog: Catalog,
): SlotStatus {
  // A server that lists no model is as good as none.
  const ids = seen?.servedIds?.length ? seen.servedIds : null;
  const believed = belief && (ids === null || ids.includes(servedName(belief.model))) ? belief : undefined;
  const found = ids && !believed ? catalog.models.find((model) => ids.includes(servedName(model))) : undefined;
  const model = believed?.model ?? found;
  return {
    name: slot.name,
    nodes: [...slot.nodes],
    port: slot.port,
    container: slot.container,
    state: job ? "swapping" : stateOf(believed, seen, ids !== null),
    model: model?.key ?? null,
    model_name: model?.name ?? ids?.[0] ?? null,
    served_ids: [...(ids ?? [])],
    since: believed?.since ?? null,
    by_hand: ids !== null && !believed,
    url: seen?.address ? `http://${seen.address}:${slot.port}/v1` : null,
    job_id: job?.job_id ?? null,
  };
}

function stateOf(belief: Belief | undefined, seen: SlotObservation | undefined, serves: boolean): SlotState {
  if (serves) return "serving";
  if (belief) return seen ? "not_answering" : "unknown";
  return seen?.address ? "idle" : "unknown";
}
