import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { LinesSchema, Tail, USUAL_TAIL } from "../services/_shapes.ts";
import { MATRIX_BRIDGE } from "../services/_update.ts";

export default ({ serviceLogs }: Pick<ControlPlane, "serviceLogs">) =>
  new Elysia().get(
    "",
    async ({ query, request }) => ({
      lines: await serviceLogs.tail(MATRIX_BRIDGE, query.tail ?? USUAL_TAIL, request.signal),
    }),
    {
      query: t.Object({ tail: Tail }),
      response: { 200: LinesSchema, ...errors(404, 409, 422, 502, 504) },
      detail: {
        operationId: "getMatrixBridgeLog",
        summary: "The last lines of the Matrix bridge, oldest first",
        description: "Followed live: `/api/services/matrix-bridge/logs/stream`.",
        tags: ["Services"],
      },
    },
  );
