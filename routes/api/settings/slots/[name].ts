import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { ChangedSettingsSchema, SettingChangesSchema } from "../../../../lib/settings/settings.ts";
import { Reserved, TokenHeader, TokenQuery, tokenOf } from "../../swap/_shapes.ts";

const tags = ["Settings"];
const reserved =
  "A slot that is reserved by another is 423: elsewhere its model would not be the reservation's any more.";
const params = Type.Object({ name: Type.String({ maxLength: 64 }) });

export default ({ settings }: Pick<ControlPlane, "settings">) =>
  new Elysia()
    .patch(
      "",
      ({ params: { name }, body, headers, query }) =>
        settings.changeSlot(name, body, tokenOf(headers["x-swap-lock-token"], query.token)),
      {
        params,
        body: SettingChangesSchema,
        query: Type.Object(TokenQuery),
        headers: TokenHeader,
        response: { 200: ChangedSettingsSchema, 423: Reserved, ...errors(409, 422, 503) },
        detail: {
          operationId: "changeSlot",
          summary: "Change a slot, or add one under a new name",
          description: `Writes \`topology.yaml\`. A new slot needs \`nodes\`, head first; one of which nothing is said any more is removed. What the environment decides is 409. ${reserved}`,
          tags,
        },
      },
    )
    .delete(
      "",
      ({ params: { name }, headers, query }) =>
        settings.removeSlot(name, query.version, tokenOf(headers["x-swap-lock-token"], query.token)),
      {
        params,
        query: Type.Object({ version: Type.Optional(Type.String({ maxLength: 64 })), ...TokenQuery }),
        headers: TokenHeader,
        response: { 200: ChangedSettingsSchema, 423: Reserved, ...errors(404, 409, 422, 503) },
        detail: {
          operationId: "removeSlot",
          summary: "Remove a slot",
          description: `What runs there goes on and is shown as started by hand. ${reserved}`,
          tags,
        },
      },
    );
