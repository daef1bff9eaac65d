import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { ModelChangesSchema, ModelEntrySchema } from "../../../../lib/catalog/entry-schema.ts";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

const tags = ["Models"];
const params = t.Object({ key: t.String({ maxLength: 64 }) });
const version = t.Optional(
  t.String({ maxLength: 64, description: "As it was read; 409 when it is not that any more" }),
);
const Removed = Type.Object({ removed: Type.String(), version: Type.String() }, { title: "ModelRemoved" });

export default ({ catalogDesk }: Pick<ControlPlane, "catalogDesk">) =>
  new Elysia()
    .get("", ({ params: { key } }) => catalogDesk.entry(key), {
      params,
      response: { 200: ModelEntrySchema, ...errors(404, 409) },
      detail: { operationId: "getModelEntry", summary: "One entry of the catalog, as it is written down", tags },
    })
    .patch("", ({ params: { key }, body }) => catalogDesk.change(key, body), {
      params,
      body: ModelChangesSchema,
      response: { 200: ModelEntrySchema, ...errors(404, 409, 422, 503) },
      detail: {
        operationId: "changeModel",
        summary: "Change a model of the catalog",
        description:
          "Writes `models-overrides.yaml` and keeps what else is in it; a shipped model gets the fields given laid over it. All or nothing. Of two changes with the same `version` the second is 409, and nothing of it is written.",
        tags,
      },
    })
    .delete("", ({ params: { key }, query }) => catalogDesk.remove(key, query.version), {
      params,
      query: t.Object({ version }),
      response: { 200: Removed, ...errors(404, 409, 422, 503) },
      detail: {
        operationId: "removeModel",
        summary: "Take a model out of the menu",
        description: "Nothing is deleted from the Sparks. A shipped model is hidden and can be restored.",
        tags,
      },
    });
