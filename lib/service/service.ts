/** Services as they appear on the wire: what is known of each, what can be done with it, and why not. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf } from "../schema.ts";

export const STATES = [
  "healthy",
  "busy",
  "starting",
  "stopped",
  "unhealthy",
  "unreachable",
  "not_configured",
  "unknown",
] as const;
export type ServiceState = (typeof STATES)[number];

export const ACTIONS = ["start", "stop", "restart"] as const;
export type ServiceAction = (typeof ACTIONS)[number];

export const DEEP_OUTCOMES = ["passed", "failed", "busy", "skipped"] as const;
export type DeepOutcome = (typeof DEEP_OUTCOMES)[number];

export const DeepCheckSchema = Type.Object(
  {
    service: Type.String(),
    outcome: OneOf<DeepOutcome>(DEEP_OUTCOMES, {
      description:
        "passed: it did its work. failed: it did not. busy: too slow while the GPU works, which says nothing. skipped: there was nothing to ask, such as no model",
    }),
    detail: Type.String({ description: "What was asked and what came back, in one sentence" }),
    seconds: Type.Number({ description: "How long it took" }),
    at: Type.String(),
  },
  { title: "DeepCheck" },
);
export type DeepCheck = Static<typeof DeepCheckSchema>;

const ContainerSchema = Type.Object(
  {
    name: Type.String(),
    status: Type.String({
      description: "docker's word: created, running, paused, restarting, exited, dead; `missing`: there is none",
    }),
    image: Nullable(Type.String()),
    started_at: Nullable(Type.String()),
    exit_code: Nullable(Type.Integer({ description: "Of the last end; null while it runs" })),
    health: Nullable(Type.String({ description: "Of the image's own HEALTHCHECK; null without one" })),
  },
  { title: "ServiceContainer" },
);

const WhyNot = (what: string) =>
  Nullable(Type.String(), { description: `Why ${what} is not possible now, for people; null when it is` });

const OperationSchema = Type.Object(
  {
    action: OneOf<ServiceAction | "update">([...ACTIONS, "update"]),
    since: Type.String(),
    by: Type.String({ description: "dashboard, a client's name, or auto-restart" }),
  },
  { title: "ServiceOperation" },
);

const AutoRestartSchema = Type.Object(
  {
    enabled: Type.Boolean(),
    recent: Type.Integer({ description: "Restarts by itself within the last 30 minutes" }),
    most: Type.Integer({ description: "So many are allowed within 30 minutes" }),
    given_up: Nullable(
      Type.String({ description: "Why it is left alone from now on, in one sentence; null: it is not" }),
    ),
  },
  { title: "AutoRestart" },
);

export const ServiceSchema = Type.Object(
  {
    name: Type.String({ description: "Of the service, or of the vLLM slot" }),
    kind: OneOf(["vllm", "asr", "diarizer", "tts", "embeddings", "reranker", "qdrant", "http", "bot"], {
      description: "`bot`: told by its container alone",
    }),
    is_slot: Type.Boolean({
      description: "A vLLM slot of this controller: started, stopped and restarted by its rules",
    }),
    node: Nullable(Type.String()),
    url: Nullable(Type.String({ description: "Base URL; null without HTTP or while its address is not known" })),
    state: OneOf<ServiceState>(STATES, {
      description:
        "busy: slow because the GPU works. stopped: it does not run, as wanted. not_configured: nobody said where it is, or nothing of it is there. unknown: not looked at yet",
    }),
    since: Type.String({ description: "Since when it is in this state" }),
    reason: Nullable(Type.String({ description: "Why, in one sentence; null when it is simply healthy" })),
    checked_at: Nullable(Type.String()),
    response_ms: Nullable(Type.Integer({ description: "Of the last light probe; null without an answer" })),
    container: Nullable(ContainerSchema),
    model: Nullable(Type.String({ description: "Key of the catalog, of a slot" })),
    in_flight: Type.Integer({ description: "Requests through this controller's gateway at this moment" }),
    deep_check: Nullable(DeepCheckSchema),
    operation: Nullable(OperationSchema, { description: "What is being done with it now" }),
    auto_restart: AutoRestartSchema,
    not_possible: Type.Object(
      {
        start: WhyNot("a start"),
        stop: WhyNot("a stop"),
        restart: WhyNot("a restart"),
        logs: WhyNot("reading its log"),
        update: WhyNot("an update"),
      },
      { title: "ServiceActions" },
    ),
  },
  { title: "Service" },
);
export type Service = Static<typeof ServiceSchema>;

export const ServicesSchema = Type.Object(
  { services: Type.Array(ServiceSchema, { description: "Without those that are hidden" }) },
  { title: "Services" },
);
export type Services = Static<typeof ServicesSchema>;
