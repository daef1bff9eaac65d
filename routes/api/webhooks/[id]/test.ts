import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { DeliverySchema } from "../../../../lib/webhook/webhook.ts";
import { refuseLoop } from "../_loop.ts";
import { byId, tags } from "../_shapes.ts";

export default ({ webhooks }: Pick<ControlPlane, "webhooks">) =>
  new Elysia().post(
    "",
    ({ params, request, set }) => {
      refuseLoop(request);
      set.status = 202;
      return webhooks.test(params.id);
    },
    {
      params: byId,
      response: { 202: DeliverySchema, ...errors(404, 409) },
      detail: {
        operationId: "testWebhook",
        summary: "Send a message of the event `test`",
        description: "Answers at once; `GET /api/webhooks/deliveries/{id}` tells what became of it.",
        tags,
      },
    },
  );
