import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { ServicesSchema } from "../../../lib/service/service.ts";

export default ({ services }: Pick<ControlPlane, "services">) =>
  new Elysia().get("", () => ({ services: services.list() }), {
    response: { 200: ServicesSchema },
    detail: {
      operationId: "listServices",
      summary: "Every service: its state, since when and why, its container, what can be done with it",
      description:
        "vLLM slots first. Services that are hidden (DISABLED_SERVICES, `disabled: true`, a bot without a user) are not among them. As last seen: `POST /api/services/{name}/check` looks anew.",
      tags: ["Services"],
    },
  });
