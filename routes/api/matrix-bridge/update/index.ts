import { Elysia } from "elysia";
import { BotUpdateSchema } from "../../../../lib/bot/bot-update.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import {
  lastUpdate,
  MATRIX_BRIDGE,
  START,
  START_WORDS,
  startUpdate,
  type UpdatePlane,
} from "../../services/_update.ts";
import { callerOf } from "../../swap/_caller.ts";
import { tokenOf } from "../../swap/_shapes.ts";

const tags = ["Services"];

export default (plane: UpdatePlane) =>
  new Elysia()
    .get("", () => lastUpdate(plane, MATRIX_BRIDGE), {
      response: { 200: BotUpdateSchema, ...errors(404) },
      detail: { operationId: "getMatrixBridgeUpdate", summary: "The last update of the Matrix bridge", tags },
    })
    .post(
      "",
      async ({ body, headers, query, request, set }) => {
        const token = tokenOf(body?.token, body?.lock_token, headers["x-swap-lock-token"], query.token);
        const update = await startUpdate(plane, MATRIX_BRIDGE, { by: callerOf(request), token });
        set.status = 202;
        return update;
      },
      {
        ...START,
        detail: {
          operationId: "updateMatrixBridge",
          summary: "Update the Matrix bridge",
          description: START_WORDS,
          tags,
        },
      },
    )
    .delete(
      "",
      async ({ set }) => {
        set.status = 202;
        return plane.botUpdates.cancel(MATRIX_BRIDGE);
      },
      {
        response: { 202: BotUpdateSchema, ...errors(404, 409, 502, 504) },
        detail: { operationId: "cancelMatrixBridgeUpdate", summary: "End an update of the Matrix bridge", tags },
      },
    );
