import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { ChangedSettingsSchema, SettingChangesSchema } from "../../../../lib/settings/settings.ts";
import { Reserved, TokenHeader, TokenQuery, tokenOf } from "../../swap/_shapes.ts";

const tags = ["Settings"];
const reserved = "A vLLM's entry that is reserved by another is 423: with another entry it could be stopped.";
const params = Type.Object({ name: Type.String({ maxLength: 64 }) });

export default ({ settings }: Pick<ControlPlane, "settings">) =>
  new Elysia()
    .patch(
      "",
      ({ params: { name }, body, headers, query }) =>
        settings.changeService(name, body, tokenOf(headers["x-swap-lock-token"], query.token)),
      {
        params,
        body: SettingChangesSchema,
        query: Type.Object(TokenQuery),
        headers: TokenHeader,
        response: { 200: ChangedSettingsSchema, 423: Reserved, ...errors(409, 422, 503) },
        detail: {
          operationId: "changeService",
          summary: "Change a service, or add one under a new name",
          description: `Writes \`services-overrides.yaml\`. A new service needs \`kind\`, and \`port\` where its kind has no usual one. What the environment decides is 409. ${reserved}`,
          tags,
        },
      },
    )
    .delete(
      "",
      ({ params: { name }, headers, query }) =>
        settings.removeService(name, query.version, tokenOf(headers["x-swap-lock-token"], query.token)),
      {
        params,
        query: Type.Object({ version: Type.Optional(Type.String({ maxLength: 64 })), ...TokenQuery }),
        headers: TokenHeader,
        response: { 200: ChangedSettingsSchema, 423: Reserved, ...errors(404, 409, 422, 503) },
        detail: {
          operationId: "removeService",
          summary: "Remove a service that was added; of a usual one, what was changed",
          description: reserved,
          tags,
        },
      },
    );
