/** What the environment says, for looking at: it holds from the start of the process and is changed where it is set. */
import { type Static, Type } from "@sinclair/typebox";
import type { Environment } from "../config/fields.ts";
import { Nullable, OneOf } from "../schema.ts";
import { ENVIRONMENT_VARIABLES } from "../topology/environment-variables.ts";

export const EnvironmentSettingSchema = Type.Object(
  {
    name: Type.String(),
    meaning: Type.String(),
    area: OneOf(["process", "node", "vllm", "service", "access"]),
    default: Nullable(Type.String()),
    is_set: Type.Boolean(),
    value: Nullable(Type.String(), { description: "Null where it is unset, or a secret" }),
  },
  { title: "EnvironmentSetting" },
);
export type EnvironmentSetting = Static<typeof EnvironmentSettingSchema>;

/** A receiver's URL may carry a key in its path or query. */
const SECRET = new Set(["WEBHOOK_URL", "WEBHOOK_SECRET"]);

export function environmentSettings(env: Environment): EnvironmentSetting[] {
  return ENVIRONMENT_VARIABLES.map(({ name, meaning, area, default: fallback }) => {
    const value = env[name]?.trim() || null;
    return { name, meaning, area, default: fallback, is_set: value !== null, value: SECRET.has(name) ? null : value };
  });
}
