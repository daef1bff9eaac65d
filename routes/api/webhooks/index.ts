import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { NewWebhookSchema } from "../../../lib/webhook/webhook.ts";
import { EVENTS, tags, WebhookList, WebhookWithSecret } from "./_shapes.ts";

export default ({ webhooks, simulated }: Pick<ControlPlane, "webhooks" | "simulated">) =>
  new Elysia()
    .get("", () => ({ webhooks: webhooks.list(), events: EVENTS, suppressed: simulated }), {
      response: { 200: WebhookList },
      detail: {
        operationId: "listWebhooks",
        summary: "Endpoints that are told what happens; never their secrets",
        tags,
      },
    })
    .post(
      "",
      ({ body, set }) => {
        set.status = 201;
        return webhooks.add(body);
      },
      {
        body: NewWebhookSchema,
        response: { 201: WebhookWithSecret, ...errors(409, 422) },
        detail: {
          operationId: "addWebhook",
          summary: "Add an endpoint",
          description: "Without `events` it gets `swap_complete` and `swap_failed`.",
          tags,
        },
      },
    );
