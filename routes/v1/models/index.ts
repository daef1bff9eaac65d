import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { openAiErrors } from "../../../lib/http/schemas.ts";
import { ListedModelSchema } from "./_shapes.ts";

const ModelListSchema = Type.Object(
  { object: Type.Literal("list"), data: Type.Array(ListedModelSchema) },
  { title: "ModelList" },
);

/** OpenAI's list of models, with more members: `loaded` says which answer now. */
export default ({ gateway, gatewayModels }: Pick<ControlPlane, "gateway" | "gatewayModels">) =>
  new Elysia().get(
    "",
    async () => {
      gateway.requireConfigured();
      return { object: "list" as const, data: await gatewayModels.all() };
    },
    {
      response: { 200: ModelListSchema, ...openAiErrors(503) },
      detail: {
        operationId: "listServedModels",
        summary: "Models: what is loaded, what could be, and the speech models with their voices",
        tags: ["Gateway"],
      },
    },
  );
