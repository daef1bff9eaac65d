import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { SuggestionsSchema, suggestionsIn } from "../../../lib/suggestions.ts";

export default ({ inventory }: Pick<ControlPlane, "inventory">) =>
  new Elysia().get("", () => suggestionsIn(inventory), {
    response: { 200: SuggestionsSchema },
    detail: {
      operationId: "suggestModels",
      summary: "Entries for models that lie on a Spark and are in no catalog",
      description: "Inferred from their config.json, and ready to be sent to `POST /api/models`.",
      tags: ["Models"],
    },
  });
