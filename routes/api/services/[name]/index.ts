import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { ServiceSchema } from "../../../../lib/service/service.ts";
import { Name } from "../_shapes.ts";

export default ({ services }: Pick<ControlPlane, "services">) =>
  new Elysia().get("", ({ params: { name } }) => services.get(name), {
    params: Name,
    response: { 200: ServiceSchema, ...errors(404) },
    detail: { operationId: "getService", summary: "One service", tags: ["Services"] },
  });
