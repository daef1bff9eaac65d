import { Elysia } from "elysia";
import { Name } from "../../_shapes.ts";
import { STREAM_RESPONSE, STREAM_WORDS, streamUpdate, type UpdatePlane } from "../../_update.ts";

export default (plane: UpdatePlane) =>
  new Elysia().get("", (context) => streamUpdate(plane, context.params.name, context), {
    params: Name,
    response: STREAM_RESPONSE,
    detail: {
      operationId: "streamServiceUpdate",
      summary: "The last update of a bot and its output, as server-sent events",
      description: STREAM_WORDS,
      tags: ["Services"],
    },
  });
