import { Elysia, t } from "elysia";
import { WINDOWS, type Window } from "../../../lib/connectivity/availability.ts";
import { AvailabilitySchema, availabilityOf } from "../../../lib/connectivity/wire.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";

const windows = Object.keys(WINDOWS) as Window[];

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia().get("", ({ query: { window } }) => availabilityOf(machines.connectivity, window ?? "day"), {
    query: t.Object({
      window: t.Optional(
        t.Unsafe<Window>(
          t.Union(
            windows.map((word) => t.Literal(word)),
            { default: "day" },
          ),
        ),
      ),
    }),
    response: { 200: AvailabilitySchema, ...errors(422) },
    detail: {
      operationId: "getAvailability",
      summary: "How much of the last day, week or month each Spark could be reached",
      tags: ["Sparks"],
    },
  });
