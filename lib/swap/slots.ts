/** What each slot shows: the belief, the observation and the running swap, put together. Pure. */
import { type Static, Type } from "@sinclair/typebox";
import type { Catalog } from "../catalog/catalog.ts";
import { Nullable, OneOf } from "../schema.ts";
import type { Slot } from "../topology/topology.ts";
import type { Difference } from "./differences.ts";
import type { Belief } from "./facts.ts";
import { servedName } from "./served.ts";
import { FailureSchema, type SwapJob } from "./swap.ts";
import type { RequestsInFlight } from "./vllm-metrics.ts";

export type SlotState = "serving" | "not_answering" | "idle" | "swapping" | "unknown";

export const SlotStatusSchema = Type.Object(
  {
    name: Type.String(),
    nodes: Type.Array(Type.String()),
    port: Type.Integer(),
    container: Type.String(),
    /** serving: answers. not_answering: was loaded, gives no answer. idle: nothing there. unknown: not looked at yet, or unreachable. */
    state: OneOf<SlotState>(["serving", "not_answering", "idle", "swapping", "unknown"]),
    /** Key of the catalog; null when nothing is served, or something that the catalog does not know. */
    model: Nullable(Type.String()),
    model_name: Nullable(Type.String()),
    /** What `/v1/models` lists. */
    served_ids: Type.Array(Type.String()),
    /** LoRA adapters that it lists beside. */
    adapters: Type.Array(Type.String()),
    /** Since when `model` serves; null when it was not loaded from here. */
    since: Nullable(Type.String()),
    /** True when it answers, but was not loaded from here. */
    by_hand: Type.Boolean(),
    /** OpenAI-style base URL, `http://<address>:<port>/v1`; null while the address is not known. */
    url: Nullable(Type.String()),
    /** The swap that owns the slot now. */
    job_id: Nullable(Type.String()),
    /** Requests that vLLM works on and that wait in it, as it says itself (3 to 18 s late); null when it does not say. */
    requests: Nullable(Type.Object({ running: Type.Integer(), waiting: Type.Integer() })),
    /** Requests in flight that came through this controller's gateway, counted by itself at this moment. */
    in_flight: Type.Integer(),
    /** Who asked for the swap that loaded it; null when it was not loaded from here. */
    loaded_by: Nullable(Type.String()),
    /** How long that swap took, from the claim to ready, in seconds. */
    load_seconds: Nullable(Type.Number()),
    /** What really runs differs from what was loaded from here: seen twice in a row, shown, never mended by itself. */
    difference: Nullable(Type.Intersect([FailureSchema, Type.Object({ since: Type.String() })])),
  },
  { title: "SlotStatus" },
);
export type SlotStatus = Static<typeof SlotStatusSchema>;

export interface SlotObservation {
  /** IPv4 address of the head; null when not known. */
  readonly address: string | null;
  /** Ids of `/v1/models`; null: no such answer. */
  readonly servedIds: readonly string[] | null;
  /** LoRA adapters of `/v1/models`. */
  readonly adapters?: readonly string[];
  /** Nothing answers, and its head was not reached otherwise either: that nothing runs there is not known. */
  readonly unheard?: boolean;
  /** Null: it does not say, or nothing answers. */
  readonly requests: RequestsInFlight | null;
}

export interface SlotFacts {
  readonly slot: Slot;
  readonly belief?: Belief | undefined;
  readonly seen?: SlotObservation | undefined;
  /** The swap that owns the slot now. */
  readonly job?: SwapJob | undefined;
  /** The swap that loaded what is believed to serve. */
  readonly loadedBy: SwapJob | null;
  readonly difference: Difference | null;
  /** Requests in flight through the gateway. */
  readonly inFlight: number;
  readonly catalog: Catalog;
}

export function slotStatus({
  slot,
  belief,
  seen,
  job,
  loadedBy,
  difference,
  inFlight,
  catalog,
}: SlotFacts): SlotStatus {
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
    adapters: ids ? [...(seen?.adapters ?? [])] : [],
    since: believed?.since ?? null,
    by_hand: ids !== null && !believed,
    url: seen?.address ? `http://${seen.address}:${slot.port}/v1` : null,
    job_id: job?.job_id ?? null,
    requests: seen?.requests ?? null,
    in_flight: inFlight,
    loaded_by: (believed && loadedBy?.requested_by) ?? null,
    load_seconds: believed && loadedBy?.ended_at ? secondsOf(loadedBy) : null,
    difference: job ? null : ids === null && loadedBy?.died ? lastWords(loadedBy.died) : difference,
  };
}

/** That it died is known more closely than that it does not answer. */
const lastWords = ({ at, failure }: NonNullable<SwapJob["died"]>): Difference => ({ ...failure, since: at });

function secondsOf({ created_at, ended_at }: SwapJob): number {
  return Math.round((Date.parse(ended_at ?? created_at) - Date.parse(created_at)) / 1000);
}

function stateOf(belief: Belief | undefined, seen: SlotObservation | undefined, serves: boolean): SlotState {
  if (serves) return "serving";
  if (belief) return seen ? "not_answering" : "unknown";
  return seen?.address && !seen.unheard ? "idle" : "unknown";
}
