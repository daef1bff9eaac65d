import { Elysia, t } from "elysia";
import { ModelEntrySchema } from "../../../../lib/catalog/entry-schema.ts";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

export default ({ catalogDesk }: Pick<ControlPlane, "catalogDesk">) =>
  new Elysia().post("", ({ params: { key }, query }) => catalogDesk.restore(key, query.version), {
    params: t.Object({ key: t.String({ maxLength: 64 }) }),
    query: t.Object({ version: t.Optional(t.String({ maxLength: 64 })) }),
    response: { 200: ModelEntrySchema, ...errors(404, 409, 422, 503) },
    detail: { operationId: "restoreModel", summary: "Bring a shipped model back into the menu", tags: ["Models"] },
  });
