import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { ServiceSchema } from "../../../../lib/service/service.ts";
import { Name } from "../_shapes.ts";

export default ({ services }: Pick<ControlPlane, "services">) =>
  new Elysia().post(
    "",
    async ({ params: { name } }) => {
      services.get(name);
      await services.look(name);
      return services.get(name);
    },
    {
      params: Name,
      response: { 200: ServiceSchema, ...errors(404) },
      detail: {
        operationId: "checkService",
        summary: "Look at a service now: container and light probe",
        description:
          "A single failed look is not believed of a service that was well: the state changes with the second.",
        tags: ["Services"],
      },
    },
  );
