/** The wire shapes of a swap: one definition for the HTTP API, the store and the code. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf } from "../schema.ts";
import { DrainSchema, ON_DRAIN_TIMEOUT } from "./drain-desk.ts";

export const SwapStateSchema = Type.Union(
  (
    [
      "planned",
      "draining",
      "stopping",
      "launching",
      "loading",
      "verifying",
      "ready",
      "failed",
      "cancelled",
      "unknown",
    ] as const
  ).map((name) => Type.Literal(name)),
);
export type SwapState =
  | "planned"
  | "draining"
  | "stopping"
  | "launching"
  | "loading"
  | "verifying"
  | "ready"
  | "failed"
  | "cancelled"
  | "unknown";

/** A reason against a swap, or a warning, in the shape of a failure. */
export type PlanNote = Failure;

/** States in which a swap no longer owns its slot. `unknown` is left by looking, not by the machine. */
export const SETTLED: ReadonlySet<SwapState> = new Set(["ready", "failed", "cancelled", "unknown"]);

export const FailureSchema = Type.Object({
  /** Stable identifier, such as `out_of_memory`. */
  code: Type.String(),
  /** The cause in one sentence. */
  message: Type.String(),
  /** The line of a log, or the observation, that shows it. */
  evidence: Nullable(Type.String()),
  /** What to try. */
  advice: Nullable(Type.String()),
});
export type Failure = Static<typeof FailureSchema>;

export const NodeMemorySchema = Type.Object({
  node: Type.String(),
  total_bytes: Type.Number(),
  available_bytes: Type.Number(),
  /** Estimate: what is available once everything in `stops` is gone. */
  available_after_stop_bytes: Type.Number(),
  /** `gpu_memory_utilization × MemTotal`: what vLLM claims at start. */
  needed_bytes: Type.Number(),
  /** This node's share of the weights; null when the size is not known. */
  weights_bytes: Nullable(Type.Number()),
  fits: Type.Boolean(),
  /** available_after_stop − needed; negative when it does not fit. */
  spare_bytes: Type.Number(),
});
export type NodeMemory = Static<typeof NodeMemorySchema>;

export const PlanSchema = Type.Object(
  {
    slot: Type.String(),
    nodes: Type.Array(Type.String()),
    starts: Type.Object({ model: Type.String(), name: Type.String() }),
    stops: Type.Array(
      Type.Object({
        slot: Type.String(),
        /** Null: something answers or runs there that the catalog does not know. */
        model: Nullable(Type.String()),
        name: Type.String(),
        nodes: Type.Array(Type.String()),
      }),
    ),
    /** Null when a node's memory could not be read. */
    fits: Nullable(Type.Boolean()),
    memory: Type.Array(NodeMemorySchema),
    /** What vLLM downloads first, which is in none of the durations; null when nothing is known to be missing. */
    download: Nullable(
      Type.Object({
        nodes: Type.Array(Type.String()),
        begun: Type.Boolean(),
        /** The most that one of them is short of; null when the size is not known. */
        bytes: Nullable(Type.Number()),
      }),
    ),
    /** Requests in flight finish first: those of the gateway now, how long they may, and what happens then. */
    drain: Type.Object({
      requests: Type.Integer(),
      seconds: Type.Integer(),
      on_timeout: OneOf(ON_DRAIN_TIMEOUT),
    }),
    /** Seconds during which nothing answers. */
    downtime_seconds: Type.Number(),
    /** What the downtime is made of: `stopping`, then the phases of a load. */
    phases: Type.Array(Type.Object({ name: Type.String(), seconds: Type.Number() })),
    /** Seconds from launch to ready. */
    load_seconds: Type.Number(),
    /** Past loads of this model that the estimate rests on; 0 = from the size alone. */
    learnt_from: Type.Integer(),
    /** The model that is loaded again if the launch fails. */
    rollback_to: Nullable(Type.String()),
    /** Why this swap cannot start now; empty when it can. */
    blockers: Type.Array(FailureSchema),
    warnings: Type.Array(FailureSchema),
    /** The plan in plain words, a sentence each. */
    summary: Type.Array(Type.String()),
    /** The exact commands, for those who want them. */
    commands: Type.Array(Type.Object({ node: Type.String(), command: Type.String() })),
  },
  { title: "SwapPlan" },
);
export type Plan = Static<typeof PlanSchema>;
export type Download = NonNullable<Plan["download"]>;

export const PhaseSpanSchema = Type.Object({
  name: Type.String(),
  started_at: Type.String(),
  ended_at: Nullable(Type.String()),
});
export type PhaseSpan = Static<typeof PhaseSpanSchema>;

export const SwapJobSchema = Type.Object(
  {
    job_id: Type.String(),
    slot: Type.String(),
    nodes: Type.Array(Type.String()),
    model: Type.String(),
    model_name: Type.String(),
    /** Model that the slot served before, if one is known. */
    previous_model: Nullable(Type.String()),
    state: Type.Unsafe<SwapState>(SwapStateSchema),
    /** What goes on within the state: `weights`, `graphs`, `cleaning_up`, `cancelling`, … */
    phase: Type.String(),
    /** `rollback` while the previous model is loaded again after a failure or a cancel. */
    leg: Type.Unsafe<"forward" | "rollback">(Type.Union([Type.Literal("forward"), Type.Literal("rollback")])),
    /** 0..1 over the whole swap, never falling within a leg. */
    progress: Type.Number(),
    /** Seconds until ready; null when nothing is known or the swap has ended. */
    eta_seconds: Nullable(Type.Number()),
    /** 0..1 of the present phase, where the log tells percents; null where it tells none. */
    part: Type.Optional(Nullable(Type.Number())),
    /** Seconds since the load last showed that it goes on; after `stall_seconds` it counts as stuck. Null when it does not load. */
    quiet_seconds: Type.Optional(Nullable(Type.Number())),
    /** While it waits for requests in flight; null otherwise. */
    drain: Type.Optional(Nullable(DrainSchema)),
    /** One sentence for a person when failed, cancelled or unknown, or while it waits for room on the controller's disk or for a Spark that does not answer. */
    reason: Nullable(Type.String()),
    failure: Nullable(FailureSchema),
    rollback: Type.Boolean(),
    /** Model that runs again after a failure; null while or when that did not happen. */
    rolled_back_to: Nullable(Type.String()),
    /** Why the model before could not be loaded again; null when it could, or that was not tried. */
    rollback_failure: Nullable(FailureSchema),
    /**
     * Set when the model that this swap loaded, or put back, ended within a minute of being ready: when that was seen, why, and the swap
     * that loads the model before again (null: none does; `reason` says why). The swap stays as it had ended.
     */
    died: Type.Optional(
      Nullable(Type.Object({ at: Type.String(), failure: FailureSchema, restored_by: Nullable(Type.String()) })),
    ),
    /** Set on a swap that Spark Control began by itself, because the model of that other swap died right after it was ready: why. */
    restores: Type.Optional(Nullable(Type.Object({ job_id: Type.String(), failure: FailureSchema }))),
    /** Fencing token: grows with every swap. */
    generation: Type.Integer(),
    requested_by: Type.String(),
    created_at: Type.String(),
    updated_at: Type.String(),
    ended_at: Nullable(Type.String()),
    phases: Type.Array(PhaseSpanSchema),
  },
  { title: "SwapJob" },
);
export type SwapJob = Static<typeof SwapJobSchema>;

export interface LogLine {
  /** 1-based, without gaps within a job. */
  readonly seq: number;
  readonly at: string;
  /** `launch`, or the node whose container wrote it. */
  readonly source: string;
  readonly line: string;
}
