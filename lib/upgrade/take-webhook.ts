/** The earlier version's one receiver becomes a webhook. */
import { Fault } from "../fault.ts";
import { APP_SETTINGS, type AppSettings } from "./app-settings.ts";
import { type ItemLog, reasonOf } from "./report.ts";

/** What is needed of the webhooks. */
export interface WebhookDesk {
  list(): readonly { readonly url: string }[];
  /** @throws Fault */
  add(wanted: { url: string; name: string; secret?: string }): unknown;
}

const [URL_NAME, SECRET_NAME] = ["WEBHOOK_URL", "WEBHOOK_SECRET"] as const;

/** A secret that cannot be used does not cost its receiver: it is told without a signature then. */
export function takeWebhook(webhook: AppSettings["webhook"], webhooks: WebhookDesk, items: ItemLog): void {
  if (webhook === null) return;
  const { url, secret } = webhook;
  const add = (wanted: { secret?: string }): Fault | null => {
    try {
      webhooks.add({ url, name: URL_NAME, ...wanted });
      return null;
    } catch (error) {
      return error instanceof Fault ? error : new Fault("internal", "webhook_not_added", reasonOf(error));
    }
  };
  const tell = (name: string, outcome: "taken" | "kept" | "not_taken", detail: string) =>
    items.add(APP_SETTINGS, name, outcome, detail);
  const both = (outcome: "taken" | "kept" | "not_taken", detail: string) => {
    for (const name of secret === null ? [URL_NAME] : [URL_NAME, SECRET_NAME]) tell(name, outcome, detail);
  };
  if (webhooks.list().some((one) => one.url === url)) {
    both("kept", "There is a webhook with this URL already.");
    return;
  }
  const refusal = add(secret === null ? {} : { secret });
  if (refusal === null) both("taken", "It is a webhook now, to be changed in the dashboard.");
  else if (secret === null || add({}) !== null) both("not_taken", refusal.message);
  else {
    tell(URL_NAME, "taken", "It is a webhook now, without a signature until a secret is set in the dashboard.");
    tell(SECRET_NAME, "not_taken", refusal.message);
  }
}
