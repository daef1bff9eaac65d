import { Elysia, t } from "elysia";
import { ActivityPageSchema, OUTCOMES } from "../../../lib/activity/activity.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { OneOf } from "../../../lib/schema.ts";
import { timeOf } from "../_time.ts";

const DEFAULT_PAGE = 100;
const text = (description: string) => t.Optional(t.String({ maxLength: 200, description }));

/** What passed through the gateway: figures and names, never content. */
export default ({ activity }: Pick<ControlPlane, "activity">) =>
  new Elysia().get(
    "",
    async ({ query }) => {
      const { limit = DEFAULT_PAGE, before, after, q, from, to, ...same } = query;
      const filter = { ...same, from: timeOf(from), to: timeOf(to), text: q };
      const found = await activity.page(filter, { before, after, limit: limit + 1 });
      const entries = found.slice(0, limit);
      const next = found.length > limit ? (entries.at(-1)?.id ?? null) : null;
      return { entries, next, skipped: activity.skipped };
    },
    {
      query: t.Object({
        from: text("ISO 8601: from this time on"),
        to: text("ISO 8601: before this time"),
        route: text("Path of the route, such as `/v1/chat/completions`"),
        upstream: text("`slot:<name>` or `service:<name>`"),
        model: text("As it is listed"),
        caller: text("As it is listed"),
        outcome: t.Optional(OneOf(OUTCOMES)),
        q: text("Found in route, model, caller or code"),
        limit: t.Optional(t.Numeric({ minimum: 1, maximum: 500, description: "Default 100" })),
        before: t.Optional(t.Numeric({ minimum: 1, description: "Id of an entry: only older ones" })),
        after: t.Optional(t.Numeric({ minimum: 0, description: "Id of an entry: only newer ones" })),
      }),
      response: { 200: ActivityPageSchema, ...errors(422) },
      detail: {
        operationId: "listActivity",
        summary: "Requests that passed through the gateway; newest first",
        description:
          "Time, route, model, caller, status, times, bytes and tokens; never content. Kept for 30 days, and at most 100,000 entries, of at most 500 in a second; the others are only counted, in `skipped` and in `/metrics`. `activity` in `/api/events` tells of new ones.",
        tags: ["Activity"],
      },
    },
  );
