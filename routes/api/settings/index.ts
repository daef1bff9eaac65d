import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { ChangedSettingsSchema, SettingChangesSchema, SettingsSchema } from "../../../lib/settings/settings.ts";

const tags = ["Settings"];

export default ({ settings }: Pick<ControlPlane, "settings">) =>
  new Elysia()
    .get("", () => settings.view(), {
      response: { 200: SettingsSchema, ...errors(409) },
      detail: {
        operationId: "getSettings",
        summary: "Everything that is configured, where each value comes from, and what it may be; never a secret",
        tags,
      },
    })
    .patch("", ({ body }) => settings.change(body), {
      body: SettingChangesSchema,
      response: { 200: ChangedSettingsSchema, ...errors(409, 422, 503) },
      detail: {
        operationId: "changeSettings",
        summary: "Change settings of the cluster",
        description:
          "Writes `topology.yaml`, keeps what else is in it, and takes it up at once. All or nothing: one malformed value and nothing is written. `undo` in the answer takes the change back.",
        tags,
      },
    });
