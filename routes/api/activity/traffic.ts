import { Elysia, t } from "elysia";
import { TrafficSchema } from "../../../lib/activity/traffic.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { withoutTokens } from "../../../lib/token-text.ts";
import { timeOf } from "../_time.ts";

const DAY_MS = 86_400_000;

/** An upstream's requests at a glance. */
export default ({ traffic }: Pick<ControlPlane, "traffic">) =>
  new Elysia().get(
    "",
    ({ query: { upstream, from } }) => {
      const now = Date.now();
      const since = timeOf(from);
      return traffic.of(withoutTokens(upstream), since === undefined ? now - DAY_MS : Date.parse(since), now);
    },
    {
      query: t.Object({
        upstream: t.String({ minLength: 1, maxLength: 100, description: "`slot:<name>` or `service:<name>`" }),
        from: t.Optional(
          t.String({
            maxLength: 200,
            description: "ISO 8601: since when to count, to five minutes; default and most: a day",
          }),
        ),
      }),
      response: { 200: TrafficSchema, ...errors(422) },
      detail: {
        operationId: "getTraffic",
        summary: "An upstream's requests at a glance: how many, how soon the first word, how fast the rest",
        description:
          "Counted in memory, by pieces of five minutes; after a start it goes on from the requests that are listed. An upstream that nobody has asked for has figures of 0 and null.",
        tags: ["Activity"],
      },
    },
  );
