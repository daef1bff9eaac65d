import { Elysia } from "elysia";
import { BotUpdateSchema } from "../../../../lib/bot/bot-update.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import {
  lastUpdate,
  MATRIX_BRIDGE,
  START_RESPONSE,
  START_WORDS,
  startUpdate,
  type UpdatePlane,
} from "../../services/_update.ts";
import { callerOf } from "../../swap/_caller.ts";

const tags = ["Services"];

export default (plane: UpdatePlane) =>
  new Elysia()
    .get("", () => lastUpdate(plane, MATRIX_BRIDGE), {
      response: { 200: BotUpdateSchema, ...errors(404) },
      detail: { operationId: "getMatrixBridgeUpdate", summary: "The last update of the Matrix bridge", tags },
    })
    .post(
      "",
      async ({ request, set }) => {
        const update = await startUpdate(plane, MATRIX_BRIDGE, callerOf(request));
        set.status = 202;
        return update;
      },
      {
        response: START_RESPONSE,
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
