/** What the audit log can be asked for. */
import { t } from "elysia";
import type { AuditFilter, Outcome, Via } from "../../../lib/audit/audit.ts";
import { timeOf } from "../_time.ts";

export const tags = ["Audit"];
const text = (description: string) => t.Optional(t.String({ maxLength: 200, description }));

export const filterQuery = {
  from: text("ISO 8601: from this time on"),
  to: text("ISO 8601: before this time"),
  via: t.Optional(t.Union([t.Literal("dashboard"), t.Literal("api"), t.Literal("gateway"), t.Literal("controller")])),
  outcome: t.Optional(t.Union([t.Literal("done"), t.Literal("refused"), t.Literal("failed")])),
  action: text("`operationId` of a request, or an event such as `swap.ended`"),
  address: text("Of the client"),
  holder: text("Of a reservation"),
  q: text("Found in path, details, user agent, action or code"),
};

interface Query {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly via?: Via | undefined;
  readonly outcome?: Outcome | undefined;
  readonly action?: string | undefined;
  readonly address?: string | undefined;
  readonly holder?: string | undefined;
  readonly q?: string | undefined;
}

/** @throws Fault 422 a time that is none */
export function filterOf({ q, from, to, via, outcome, action, address, holder }: Query): AuditFilter {
  return { from: timeOf(from), to: timeOf(to), via, outcome, action, address, holder, text: q };
}
