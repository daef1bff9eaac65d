import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { inItsTime } from "../../../lib/http/idle-time.ts";
import { ServicesSchema } from "../../../lib/service/service.ts";

export default ({ services }: Pick<ControlPlane, "services">) =>
  new Elysia().post(
    "",
    async ({ request, server }) => {
      await inItsTime(server, request, () => services.look());
      return { services: services.list() };
    },
    {
      response: { 200: ServicesSchema },
      detail: {
        operationId: "checkServices",
        summary: "Look at every service now: containers and light probes",
        tags: ["Services"],
      },
    },
  );
