import { Fault } from "../../../lib/fault.ts";

/**
 * A webhook may lead back here by an address that this controller cannot know as its own, such as a published port of its
 * container. A delivery that caused another would go on for ever.
 * @throws Fault 409 the request is itself a delivery
 */
export function refuseLoop({ headers }: Request): void {
  if (!headers.has("webhook-id")) return;
  const say =
    "This request is itself a delivery of a webhook (it has the header webhook-id) and may not cause another. Give the webhook whose URL leads here the URL of a receiver.";
  throw new Fault("conflict", "webhook_loop", say);
}
