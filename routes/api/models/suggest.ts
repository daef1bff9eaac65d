import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { SuggestionsSchema } from "../../../lib/suggestions.ts";

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia().get("", ({ query, request }) => machines.suggest(query.local_path, request.signal), {
    query: t.Object({
      local_path: t.Optional(t.String({ maxLength: 1024, description: "A folder of your own on the Sparks instead" })),
    }),
    response: { 200: SuggestionsSchema, ...errors(404, 422, 502, 504) },
    detail: {
      operationId: "suggestModels",
      summary: "Entries for models that lie on a Spark and are in no catalog",
      description:
        "Inferred from their config.json, and ready to be sent to `POST /api/models`. With `local_path`: for that folder, which is looked for on every Spark.",
      tags: ["Models"],
    },
  });
