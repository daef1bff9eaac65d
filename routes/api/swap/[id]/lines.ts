import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

const MOST_LINES = 2_000;

const Lines = Type.Object(
  {
    lines: Type.Array(
      Type.Object({
        seq: Type.Integer({ description: "1-based, without gaps within a swap" }),
        at: Type.String({ description: "ISO 8601 UTC" }),
        source: Type.String({ description: "`controller`, `launch`, or the node whose container wrote it" }),
        line: Type.String(),
      }),
    ),
    last_seq: Type.Integer({ description: "Number of the newest line there is; 0 without any" }),
  },
  { title: "LogLines" },
);

export default ({ swaps, swapLog }: Pick<ControlPlane, "swaps" | "swapLog">) =>
  new Elysia().get(
    "",
    ({ params: { id }, query: { after, before, limit = MOST_LINES } }) => {
      swaps.get(id);
      const last_seq = swapLog.lastSeq(id);
      const lines =
        after === undefined
          ? swapLog.readBefore(id, before ?? last_seq + 1, limit)
          : swapLog.read(id, after, limit).filter(({ seq }) => before === undefined || seq < before);
      return { lines, last_seq };
    },
    {
      params: t.Object({ id: t.String({ maxLength: 64, description: "`job_id` of the swap" }) }),
      query: t.Object({
        after: t.Optional(
          t.Integer({ minimum: 0, description: "Only lines with a greater number, the first of them" }),
        ),
        before: t.Optional(t.Integer({ minimum: 1, description: "Only lines with a smaller number" })),
        limit: t.Optional(t.Integer({ minimum: 1, maximum: MOST_LINES, description: `At most ${MOST_LINES}` })),
      }),
      response: { 200: Lines, ...errors(404, 422) },
      detail: {
        operationId: "readSwapLog",
        summary: "Lines of the log of a swap",
        description:
          "Without `after` the last lines (before `before`). What follows by itself is `/api/swap/{id}/stream`; the whole log as text is `/api/swap/{id}/log`.",
        tags: ["Swap"],
      },
    },
  );
