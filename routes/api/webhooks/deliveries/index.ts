import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { DeliveryList, page, pageQuery, tags } from "../_shapes.ts";

export default ({ webhooks }: Pick<ControlPlane, "webhooks">) =>
  new Elysia().get("", ({ query }) => page(query, (filter) => webhooks.deliveries(filter)), {
    query: pageQuery,
    response: { 200: DeliveryList },
    detail: { operationId: "listDeliveries", summary: "Deliveries of all endpoints, newest first", tags },
  });
