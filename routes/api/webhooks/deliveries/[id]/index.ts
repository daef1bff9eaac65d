import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../../lib/control-plane.ts";
import { errors } from "../../../../../lib/http/schemas.ts";
import { DeliveryDetailSchema } from "../../../../../lib/webhook/webhook.ts";
import { byId, tags } from "../../_shapes.ts";

export default ({ webhooks }: Pick<ControlPlane, "webhooks">) =>
  new Elysia().get("", ({ params }) => webhooks.delivery(params.id), {
    params: byId,
    response: { 200: DeliveryDetailSchema, ...errors(404) },
    detail: { operationId: "getDelivery", summary: "One delivery with its body and every attempt", tags },
  });
