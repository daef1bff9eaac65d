import { Elysia } from "elysia";
import {
  MATRIX_BRIDGE,
  STREAM_RESPONSE,
  STREAM_WORDS,
  streamUpdate,
  type UpdatePlane,
} from "../../services/_update.ts";

export default (plane: UpdatePlane) =>
  new Elysia().get("", (context) => streamUpdate(plane, MATRIX_BRIDGE, context), {
    response: STREAM_RESPONSE,
    detail: {
      operationId: "streamMatrixBridgeUpdate",
      summary: "The last update of the Matrix bridge and its output, as server-sent events",
      description: STREAM_WORDS,
      tags: ["Services"],
    },
  });
