import { Elysia } from "elysia";
import { ModelsSchema, modelsOf } from "../../../lib/status.ts";

export default (plane: Parameters<typeof modelsOf>[0]) =>
  new Elysia().get("", () => modelsOf(plane), {
    response: { 200: ModelsSchema },
    detail: { operationId: "listModels", summary: "The models of the catalog", tags: ["Models"] },
  });
