import { Elysia } from "elysia";
import { ModelEntrySchema, NewModelSchema } from "../../../lib/catalog/entry-schema.ts";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { ModelsSchema, modelsOf } from "../../../lib/status.ts";

const tags = ["Models"];

export default (plane: Parameters<typeof modelsOf>[0] & Pick<ControlPlane, "catalogDesk">) =>
  new Elysia()
    .get("", () => modelsOf(plane), {
      response: { 200: ModelsSchema },
      detail: { operationId: "listModels", summary: "The models of the catalog", tags },
    })
    .post("", ({ body }) => plane.catalogDesk.add(body), {
      body: NewModelSchema,
      response: { 200: ModelEntrySchema, ...errors(409, 422, 503) },
      detail: {
        operationId: "addModel",
        summary: "Add a model to the catalog",
        description:
          "Exactly one of `repo` and `local_path`. The whole entry is validated first; then it is written to `models-overrides.yaml`, whose comments and order stay. A key that is taken, and a `version` that is not the file's any more, is 409.",
        tags,
      },
    });
