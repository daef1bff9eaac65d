import { Elysia } from "elysia";
import { BotUpdateSchema } from "../../../../../lib/bot/bot-update.ts";
import { errors } from "../../../../../lib/http/schemas.ts";
import { callerOf } from "../../../swap/_caller.ts";
import { tokenOf } from "../../../swap/_shapes.ts";
import { Name } from "../../_shapes.ts";
import { lastUpdate, START, START_WORDS, startUpdate, type UpdatePlane } from "../../_update.ts";

const tags = ["Services"];

export default (plane: UpdatePlane) =>
  new Elysia()
    .get("", ({ params: { name } }) => lastUpdate(plane, name), {
      params: Name,
      response: { 200: BotUpdateSchema, ...errors(404) },
      detail: { operationId: "getServiceUpdate", summary: "The last update of a bot", tags },
    })
    .post(
      "",
      async ({ params: { name }, body, headers, query, request, set }) => {
        const token = tokenOf(body?.token, body?.lock_token, headers["x-swap-lock-token"], query.token);
        const update = await startUpdate(plane, name, { by: callerOf(request), token });
        set.status = 202;
        return update;
      },
      {
        params: Name,
        ...START,
        detail: { operationId: "updateService", summary: "Update a bot", description: START_WORDS, tags },
      },
    )
    .delete(
      "",
      async ({ params: { name }, set }) => {
        set.status = 202;
        return plane.botUpdates.cancel(name);
      },
      {
        params: Name,
        response: { 202: BotUpdateSchema, ...errors(404, 409, 502, 504) },
        detail: {
          operationId: "cancelServiceUpdate",
          summary: "End an update of a bot",
          description: "What it has done so far stays. The bot goes on as its container is.",
          tags,
        },
      },
    );
