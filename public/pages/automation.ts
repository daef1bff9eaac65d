/** Automation: reservation, schedule, webhooks. */
import "../app.ts";
import { define } from "../define.ts";
import { NextDay } from "../panels/next-day.ts";
import { PlannedList } from "../panels/planned-list.ts";
import { ReservationPanel } from "../panels/reservation-panel.ts";
import { WebhookDeliveries } from "../panels/webhook-deliveries.ts";
import { WebhookList } from "../panels/webhook-list.ts";

define({
  "reservation-panel": ReservationPanel,
  "planned-list": PlannedList,
  "next-day": NextDay,
  "webhook-list": WebhookList,
  "webhook-deliveries": WebhookDeliveries,
});
