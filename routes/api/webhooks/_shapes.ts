/** Shapes that the webhook routes share. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { DeliverySchema, WEBHOOK_EVENTS, WebhookSchema } from "../../../lib/webhook/webhook.ts";

export const tags = ["Webhooks"];
export const byId = t.Object({ id: t.String({ maxLength: 64 }) });

export const WebhookList = Type.Object(
  {
    webhooks: Type.Array(WebhookSchema),
    events: Type.Array(Type.String(), { description: "What an endpoint can ask for, beside `*`" }),
    suppressed: Type.Boolean({ description: "True on a simulated cluster: nothing is sent" }),
  },
  { title: "WebhookList" },
);
export const EVENTS: string[] = [...WEBHOOK_EVENTS];

export const WebhookWithSecret = Type.Object(
  {
    ...WebhookSchema.properties,
    secret: Type.Optional(Type.String({ description: "The secret that was made just now; shown this once" })),
  },
  { title: "WebhookWithSecret" },
);

export const DeliveryList = Type.Object(
  {
    deliveries: Type.Array(DeliverySchema),
    next: Type.Union([Type.String(), Type.Null()], { description: "`before` of the next page; null on the last one" }),
  },
  { title: "WebhookDeliveries" },
);

const DEFAULT_PAGE = 50;

export const pageQuery = t.Object({
  limit: t.Optional(t.Numeric({ minimum: 1, maximum: 200, description: "Default 50" })),
  before: t.Optional(t.String({ maxLength: 64, description: "Id of a delivery: only older ones" })),
  state: t.Optional(
    t.Union([t.Literal("pending"), t.Literal("delivered"), t.Literal("dead"), t.Literal("suppressed")]),
  ),
});

interface Page {
  readonly limit?: number | undefined;
  readonly before?: string | undefined;
  readonly state?: "pending" | "delivered" | "dead" | "suppressed" | undefined;
}

/** One more than is shown is asked for, to know whether there is another page. */
export function page<Row extends { readonly id: string }>(
  query: Page,
  read: (filter: Page & { limit: number }) => Row[],
): { deliveries: Row[]; next: string | null } {
  const limit = query.limit ?? DEFAULT_PAGE;
  const rows = read({ ...query, limit: limit + 1 });
  const deliveries = rows.slice(0, limit);
  return { deliveries, next: rows.length > limit ? (deliveries.at(-1)?.id ?? null) : null };
}
