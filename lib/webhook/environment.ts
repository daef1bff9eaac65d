/** The endpoint that `WEBHOOK_URL` and `WEBHOOK_SECRET` describe: the first one, and only to be changed there. */
import { DEFAULT_EVENTS, type Endpoint } from "./webhook.ts";

export const ENVIRONMENT_ENDPOINT_ID = "environment";

/** Null when no URL is set; blank counts as unset. One that cannot be used is shown with its problem and gets nothing. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Endpoint | null {
  const url = env.WEBHOOK_URL?.trim() ?? "";
  if (url === "") return null;
  return {
    id: ENVIRONMENT_ENDPOINT_ID,
    name: "WEBHOOK_URL",
    url,
    events: DEFAULT_EVENTS,
    enabled: true,
    source: "environment",
    secret: env.WEBHOOK_SECRET || null,
    previousSecret: null,
    previousUntil: null,
    createdAt: null,
    updatedAt: null,
  };
}
