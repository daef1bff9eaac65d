import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../../lib/control-plane.ts";
import { errors } from "../../../../../lib/http/schemas.ts";
import { LinesSchema, Name, Tail, USUAL_TAIL } from "../../_shapes.ts";

export default ({ serviceLogs }: Pick<ControlPlane, "serviceLogs">) =>
  new Elysia().get(
    "",
    async ({ params: { name }, query, request }) => ({
      lines: await serviceLogs.tail(name, query.tail ?? USUAL_TAIL, request.signal),
    }),
    {
      params: Name,
      query: t.Object({ tail: Tail }),
      response: { 200: LinesSchema, ...errors(404, 409, 422, 502, 504) },
      detail: {
        operationId: "getServiceLog",
        summary: "The last lines of a service's container, oldest first",
        tags: ["Services"],
      },
    },
  );
