/** One Spark as `/api/status` shows it: what the last look and the polls know of it. */
import { type Static, Type } from "@sinclair/typebox";
import type { SparkState } from "./connectivity/connectivity.ts";
import { isoTime } from "./ids.ts";
import { Nullable, OneOf } from "./schema.ts";
import type { NodeObservation } from "./swap/node-watch.ts";
import { FailureSchema } from "./swap/swap.ts";
import type { NodeEntry } from "./topology/topology.ts";

export const NodeStatusSchema = Type.Object(
  {
    name: Type.String(),
    state: OneOf(["reachable", "unreachable", "misconfigured", "unknown"]),
    host: Nullable(Type.String()),
    user: Nullable(Type.String()),
    reason: Nullable(Type.String({ description: "Why it is not reachable, or what is wrong with its entry" })),
    failure: Nullable(FailureSchema),
    memory: Nullable(Type.Object({ total_bytes: Type.Number(), available_bytes: Type.Number() })),
    clock_skew_seconds: Nullable(
      Type.Number({ description: "How far its clock is ahead of the controller's, whose times are the ones shown" }),
    ),
    checked_at: Nullable(Type.String()),
    since: Nullable(
      Type.String({ description: "Since when it is reachable or unreachable, across restarts; null when not known" }),
    ),
  },
  { title: "NodeStatus" },
);

type NodeStatus = Static<typeof NodeStatusSchema>;

export function nodeStatus(node: NodeEntry, seen: NodeObservation | undefined, link: SparkState): NodeStatus {
  if (node.status === "misconfigured") {
    const nothing = { host: null, user: null, failure: null, memory: null, clock_skew_seconds: null };
    return { name: node.name, state: "misconfigured", reason: node.reason, ...nothing, checked_at: null, since: null };
  }
  // A look comes every 15 s, a poll every 5: what the polls know of an outage is the news. A Spark whose docker cannot be
  // used is unreachable for a look only.
  const isDown = link.state === "down";
  const isReachable = seen?.reachable === true && !isDown;
  const agrees = isDown || (link.state === "up" && isReachable);
  return {
    name: node.name,
    state: seen || isDown ? (isReachable ? "reachable" : "unreachable") : "unknown",
    host: node.host,
    user: node.user,
    reason: seen?.failure?.message ?? link.outage?.reason ?? null,
    failure: seen?.failure ?? null,
    memory: seen?.memory ? { total_bytes: seen.memory.totalBytes, available_bytes: seen.memory.availableBytes } : null,
    clock_skew_seconds: seen?.clockSkewSeconds == null ? null : Math.round(seen.clockSkewSeconds),
    checked_at: seen?.at ?? null,
    since: agrees && link.changedAt !== null ? isoTime(link.changedAt) : null,
  };
}
