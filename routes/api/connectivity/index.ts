import { Elysia, t } from "elysia";
import { ConnectivitySchema, connectivityOf } from "../../../lib/connectivity/wire.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia().get("", ({ query }) => connectivityOf(machines.connectivity, query), {
    query: t.Object({
      spark: t.Optional(t.String({ maxLength: 64, description: "Events of this Spark only" })),
      before: t.Optional(t.String({ format: "date-time", description: "Events before this time only" })),
      limit: t.Optional(t.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    }),
    response: { 200: ConnectivitySchema, ...errors(422) },
    detail: {
      operationId: "getConnectivity",
      summary: "Since when each Spark can or cannot be reached, and its outages",
      description:
        "Outages are kept for a year. To go back further, ask with `before` set to the `at` of the last event.",
      tags: ["Sparks"],
    },
  });
