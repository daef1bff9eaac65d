import { Elysia, t } from "elysia";
import { headOf, lineOf } from "../../../lib/audit/export.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors, FileOf } from "../../../lib/http/schemas.ts";
import { filterOf, filterQuery, tags } from "./_filter.ts";

const TYPES = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" } as const;

export default ({ audit }: Pick<ControlPlane, "audit">) =>
  new Elysia().get(
    "",
    ({ query, set }) => {
      const { format = "csv" } = query;
      const pages = audit.all(filterOf(query));
      const text = new TextEncoder();
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(text.encode(headOf(format))),
        // A page at a time, as the client takes it.
        async pull(controller) {
          const { value, done } = await pages.next();
          if (done) return controller.close();
          controller.enqueue(text.encode(value.map((entry) => lineOf(format, entry)).join("")));
        },
      });
      set.headers["content-disposition"] = `attachment; filename="spark-control-audit.${format}"`;
      set.headers["content-type"] = TYPES[format];
      return new Response(body);
    },
    {
      query: t.Object({
        ...filterQuery,
        format: t.Optional(t.Union([t.Literal("csv"), t.Literal("ndjson")], { description: "Default csv" })),
      }),
      response: { 200: FileOf("text/csv"), ...errors(422) },
      detail: { operationId: "exportAudit", summary: "The audit log as a file: CSV, or one JSON object a line", tags },
    },
  );
