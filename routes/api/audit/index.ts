import { Elysia, t } from "elysia";
import { AuditPageSchema } from "../../../lib/audit/audit.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { filterOf, filterQuery, tags } from "./_filter.ts";

const DEFAULT_PAGE = 100;

export default ({ audit }: Pick<ControlPlane, "audit">) =>
  new Elysia().get(
    "",
    async ({ query }) => {
      const { limit = DEFAULT_PAGE, before } = query;
      const found = await audit.page(filterOf(query), before, limit + 1);
      const entries = found.slice(0, limit);
      return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
    },
    {
      query: t.Object({
        ...filterQuery,
        limit: t.Optional(t.Numeric({ minimum: 1, maximum: 500, description: "Default 100" })),
        before: t.Optional(t.Numeric({ minimum: 1, description: "Id of an entry: only older ones" })),
      }),
      response: { 200: AuditPageSchema, ...errors(422) },
      detail: {
        operationId: "listAudit",
        summary: "Who did what, when, and how it ended; newest first",
        description: "Kept for 180 days, and at most 100,000 entries.",
        tags,
      },
    },
  );
