/** The shapes of `/api/connectivity`. */
import { type Static, Type } from "@sinclair/typebox";
import { isoTime } from "../ids.ts";
import { Nullable, OneOf } from "../schema.ts";
import { percentUp, WINDOWS, type Window } from "./availability.ts";
import type { Connectivity, SparkState } from "./connectivity.ts";
import type { LoggedChange } from "./connectivity-store.ts";
import type { Change } from "./reading.ts";

const MOST_EVENTS = 1_000;
const USUAL_EVENTS = 100;

export const ConnectivityEventSchema = Type.Object(
  {
    spark: Type.String(),
    at: Type.String({ description: "Exact to one poll" }),
    transition: OneOf(["down", "up"]),
    down_seconds: Nullable(Type.Number(), { description: "With `up`: how long it had been out of reach" }),
    reason: Nullable(Type.String({ description: "Why it was out of reach, in one sentence" })),
  },
  { title: "ConnectivityEvent" },
);
export type ConnectivityEvent = Static<typeof ConnectivityEventSchema>;

export const ConnectivitySchema = Type.Object(
  {
    macs: Type.Record(Type.String(), Nullable(Type.String()), {
      description: "Hardware address of each Spark, for Wake-on-LAN; null until it was asked",
    }),
    current: Type.Record(Type.String(), OneOf(["up", "down", "unknown"]), { description: "State of each Spark" }),
    last_change: Type.Record(Type.String(), Nullable(Type.String()), {
      description: "When the state of each Spark changed last; null: never while somebody watched",
    }),
    events: Type.Array(ConnectivityEventSchema, { description: "Newest first" }),
    poll_seconds: Type.Number({ description: "Each Spark is asked this often; a shorter outage may be missed" }),
  },
  { title: "Connectivity" },
);

export const AvailabilitySchema = Type.Object(
  {
    window: OneOf(Object.keys(WINDOWS) as Window[]),
    bucket_seconds: Type.Number(),
    sparks: Type.Array(
      Type.Object({
        spark: Type.String(),
        percent_up: Nullable(Type.Number({ description: "Of the time in which somebody watched" })),
        outages: Type.Integer(),
        down_seconds: Type.Number(),
        buckets: Type.Array(
          Type.Object({
            at: Type.String({ description: "Begin" }),
            up_seconds: Type.Number(),
            down_seconds: Type.Number(),
            unknown_seconds: Type.Number({ description: "The controller did not run" }),
          }),
          { description: "Oldest first, on whole multiples of their length" },
        ),
      }),
    ),
  },
  { title: "Availability" },
);

export interface EventQuery {
  readonly spark?: string | undefined;
  /** ISO 8601. */
  readonly before?: string | undefined;
  readonly limit?: number | undefined;
}

export function connectivityOf(
  watch: Pick<Connectivity, "states" | "changes" | "intervalMs">,
  { spark, before, limit = USUAL_EVENTS }: EventQuery,
): Static<typeof ConnectivitySchema> {
  const states = watch.states();
  const byName = <T>(of: (state: SparkState) => T) =>
    Object.fromEntries(states.map((state) => [state.spark, of(state)]));
  const until = before === undefined ? null : Date.parse(before);
  const changes = watch.changes({ spark: spark ?? null, before: until, limit: Math.min(limit, MOST_EVENTS) });
  return {
    macs: byName(({ mac }) => mac),
    current: byName(({ state }) => state),
    last_change: byName(({ changedAt }) => (changedAt === null ? null : isoTime(changedAt))),
    events: changes.map(eventOf),
    poll_seconds: watch.intervalMs / 1000,
  };
}

export function availabilityOf(
  watch: Pick<Connectivity, "states" | "availability">,
  window: Window,
): Static<typeof AvailabilitySchema> {
  const sparks = watch.states().map(({ spark }) => {
    const { buckets, outages } = watch.availability(spark, window);
    return {
      spark,
      percent_up: percentUp(buckets),
      outages,
      down_seconds: Math.round(buckets.reduce((sum, { downSeconds }) => sum + downSeconds, 0) * 10) / 10,
      buckets: buckets.map(({ from, upSeconds, downSeconds, unknownSeconds }) => ({
        at: isoTime(from),
        up_seconds: upSeconds,
        down_seconds: downSeconds,
        unknown_seconds: unknownSeconds,
      })),
    };
  });
  return { window, bucket_seconds: WINDOWS[window].bucketMs / 1000, sparks };
}

export function eventOf({ spark, at, transition, downMs, reason }: LoggedChange): ConnectivityEvent {
  const down_seconds = downMs === null ? null : Math.round(downMs / 100) / 10;
  return { spark, at: isoTime(at), transition, down_seconds, reason };
}

export function loggedChange(spark: string, { at, transition, outage }: Change): LoggedChange {
  return { spark, at, transition, downMs: transition === "up" ? at - outage.began : null, reason: outage.reason };
}
