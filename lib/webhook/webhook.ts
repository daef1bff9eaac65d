/** Webhooks as they appear on the wire: endpoints, messages, deliveries. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

/** What an endpoint can ask for. `swap_complete` and `swap_failed` are the names that older receivers know. */
export const WEBHOOK_EVENTS = [
  "swap_started",
  "swap_complete",
  "swap_failed",
  "lock_acquired",
  "lock_released",
  "lock_forced",
  "lock_expired",
  "node_down",
  "node_up",
  "service_down",
  "service_up",
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export const DEFAULT_EVENTS: readonly WebhookEvent[] = ["swap_complete", "swap_failed"];
/** Every event, those of later versions too. */
export const EVERY_EVENT = "*";
/** Sent by the test button only; nobody subscribes to it. */
export const TEST_EVENT = "test";

const EventName = Type.Unsafe<WebhookEvent | typeof EVERY_EVENT>(
  Type.Union([...WEBHOOK_EVENTS, EVERY_EVENT].map((name) => Type.Literal(name))),
);
const Name = Type.String({ minLength: 1, maxLength: 80, description: "For people" });
const Url = Type.String({ minLength: 1, maxLength: 2000, description: "http or https, without user and password" });
const Secret = Type.String({
  minLength: 1,
  maxLength: 512,
  description: "Any string. One that begins with `whsec_` must be base64 behind it",
});
const Events = Type.Array(EventName, { minItems: 1, maxItems: 20, description: "`*` is every event" });

export const NewWebhookSchema = Type.Object(
  {
    url: Url,
    name: Type.Optional(Name),
    events: Type.Optional(Events),
    secret: Type.Optional(Secret),
    generate_secret: Type.Optional(Type.Boolean({ description: "Make a secret; this answer shows it, no other does" })),
    enabled: Type.Optional(Type.Boolean({ description: "Default true" })),
  },
  { title: "NewWebhook", additionalProperties: false },
);
export type NewWebhook = Static<typeof NewWebhookSchema>;

export const WebhookChangeSchema = Type.Object(
  {
    url: Type.Optional(Url),
    name: Type.Optional(Nullable(Name)),
    events: Type.Optional(Events),
    enabled: Type.Optional(Type.Boolean()),
    secret: Type.Optional(
      Type.Union([Secret, Type.Null()], { description: "The new secret; null: send unsigned from now on" }),
    ),
    generate_secret: Type.Optional(Type.Boolean({ description: "Make a new secret; this answer shows it" })),
    previous_secret_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 30 * 86_400,
        description: "How long the secret that is replaced stays valid beside the new one; default one day",
      }),
    ),
  },
  { title: "WebhookChange", additionalProperties: false, minProperties: 1 },
);
export type WebhookChange = Static<typeof WebhookChangeSchema>;

export type DeliveryState = "pending" | "delivered" | "dead" | "suppressed";
const DeliveryStateSchema = Type.Unsafe<DeliveryState>(
  Type.Union((["pending", "delivered", "dead", "suppressed"] as const).map((name) => Type.Literal(name))),
);

export const DeliverySchema = Type.Object(
  {
    id: Type.String(),
    endpoint_id: Type.String(),
    message_id: Type.String({ description: "The header `webhook-id`: the same at every attempt and redelivery" }),
    event: Type.String(),
    state: Type.Unsafe<DeliveryState>(
      Type.Union([...DeliveryStateSchema.anyOf], {
        description:
          "pending: waits for its next attempt. dead: given up after the last one. suppressed: never sent, the cluster is simulated",
      }),
    ),
    attempts: Type.Integer({ description: "Made so far" }),
    created_at: Type.String(),
    next_at: Nullable(Type.String({ description: "When it is tried next; null once it is not pending" })),
    last_at: Nullable(Type.String({ description: "Last attempt" })),
    status: Nullable(Type.Integer({ description: "HTTP status of the last attempt; null without an answer" })),
    error: Nullable(Type.String({ description: "Why the last attempt failed, in one sentence" })),
  },
  { title: "WebhookDelivery" },
);
export type Delivery = Static<typeof DeliverySchema>;

export const AttemptSchema = Type.Object(
  {
    number: Type.Integer(),
    at: Type.String(),
    duration_ms: Type.Integer(),
    status: Nullable(Type.Integer()),
    error: Nullable(Type.String()),
  },
  { title: "WebhookAttempt" },
);
export type Attempt = Static<typeof AttemptSchema>;

export const DeliveryDetailSchema = Type.Object(
  {
    ...DeliverySchema.properties,
    body: Type.String({ description: "The exact body" }),
    log: Type.Array(AttemptSchema, { description: "Attempts, oldest first" }),
  },
  { title: "WebhookDeliveryDetail" },
);
export type DeliveryDetail = Static<typeof DeliveryDetailSchema>;

export const WebhookSchema = Type.Object(
  {
    id: Type.String(),
    name: Nullable(Type.String()),
    url: Type.String(),
    events: Type.Array(EventName),
    enabled: Type.Boolean(),
    source: Type.Unsafe<"settings" | "environment">(
      Type.Union([Type.Literal("settings"), Type.Literal("environment")], {
        description: "`environment`: from WEBHOOK_URL and WEBHOOK_SECRET, cannot be changed here",
      }),
    ),
    has_secret: Type.Boolean(),
    previous_secret_until: Nullable(Type.String({ description: "Until then the replaced secret signs too" })),
    problem: Nullable(Type.String({ description: "Why nothing can be sent to it" })),
    pending: Type.Integer({ description: "Deliveries that wait" }),
    last_delivery: Nullable(DeliverySchema),
    created_at: Nullable(Type.String()),
    updated_at: Nullable(Type.String()),
  },
  { title: "Webhook" },
);
export type Webhook = Static<typeof WebhookSchema>;

/** An endpoint with its secrets. Stays inside lib/webhook. */
export interface Endpoint {
  readonly id: string;
  readonly name: string | null;
  readonly url: string;
  readonly events: readonly (WebhookEvent | typeof EVERY_EVENT)[];
  readonly enabled: boolean;
  readonly source: "settings" | "environment";
  readonly secret: string | null;
  readonly previousSecret: string | null;
  /** Milliseconds since the epoch; null without a previous secret. */
  readonly previousUntil: number | null;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}
