import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { ChangedSettingsSchema, SettingChangesSchema } from "../../../../lib/settings/settings.ts";

const tags = ["Settings"];
const params = Type.Object({ name: Type.String({ maxLength: 64 }) });

export default ({ settings }: Pick<ControlPlane, "settings">) =>
  new Elysia()
    .patch("", ({ params: { name }, body }) => settings.changeService(name, body), {
      params,
      body: SettingChangesSchema,
      response: { 200: ChangedSettingsSchema, ...errors(409, 422, 503) },
      detail: {
        operationId: "changeService",
        summary: "Change a service, or add one under a new name",
        description:
          "Writes `services-overrides.yaml`. A new service needs `kind`, and `port` where its kind has no usual one. What the environment decides is 409.",
        tags,
      },
    })
    .delete("", ({ params: { name }, query }) => settings.removeService(name, query.version), {
      params,
      query: Type.Object({ version: Type.Optional(Type.String({ maxLength: 64 })) }),
      response: { 200: ChangedSettingsSchema, ...errors(404, 409, 422, 503) },
      detail: {
        operationId: "removeService",
        summary: "Remove a service that was added; of a usual one, what was changed",
        tags,
      },
    });
