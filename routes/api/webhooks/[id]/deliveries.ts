import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { byId, DeliveryList, page, pageQuery, tags } from "../_shapes.ts";

export default ({ webhooks }: Pick<ControlPlane, "webhooks">) =>
  new Elysia().get(
    "",
    ({ params, query }) => page(query, (filter) => webhooks.deliveries({ ...filter, endpoint: params.id })),
    {
      params: byId,
      query: pageQuery,
      response: { 200: DeliveryList, ...errors(404) },
      detail: { operationId: "listWebhookDeliveries", summary: "Deliveries of one endpoint, newest first", tags },
    },
  );
