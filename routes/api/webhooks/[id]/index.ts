import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { WebhookChangeSchema, WebhookSchema } from "../../../../lib/webhook/webhook.ts";
import { byId, tags, WebhookWithSecret } from "../_shapes.ts";

const Removed = Type.Object({ removed: Type.String() }, { title: "WebhookRemoved" });

export default ({ webhooks }: Pick<ControlPlane, "webhooks">) =>
  new Elysia()
    .get("", ({ params }) => webhooks.get(params.id), {
      params: byId,
      response: { 200: WebhookSchema, ...errors(404) },
      detail: { operationId: "getWebhook", summary: "One endpoint", tags },
    })
    .patch("", ({ params, body }) => webhooks.change(params.id, body), {
      params: byId,
      body: WebhookChangeSchema,
      response: { 200: WebhookWithSecret, ...errors(404, 409, 422) },
      detail: {
        operationId: "changeWebhook",
        summary: "Change an endpoint, or its secret",
        description: "A secret that is replaced goes on signing beside the new one for `previous_secret_seconds`.",
        tags,
      },
    })
    .delete(
      "",
      ({ params }) => {
        webhooks.remove(params.id);
        return { removed: params.id };
      },
      {
        params: byId,
        response: { 200: Removed, ...errors(404, 409) },
        detail: { operationId: "removeWebhook", summary: "Remove an endpoint and its deliveries", tags },
      },
    );
