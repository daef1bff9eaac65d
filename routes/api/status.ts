import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { StatusSchema, statusOf } from "../../lib/status.ts";

/** Everything at a glance: Sparks, slots, running swaps, problems of the configuration. */
export default (plane: Parameters<typeof statusOf>[0] & Pick<ControlPlane, "version">) =>
  new Elysia().get("", () => statusOf(plane), {
    response: { 200: StatusSchema },
    detail: { operationId: "getStatus", summary: "State of the cluster", tags: ["Status"] },
  });
