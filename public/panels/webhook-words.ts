/** What webhooks tell of, and what became of a message, in plain words. Pure. */
import type { Delivery, Webhook } from "../api.ts";
import { clockTime, joined, plural } from "../format.ts";
import type { Tone } from "./pill.ts";

/** In the order in which people look for them; `WEBHOOK_EVENTS` of the server. */
export const EVENTS = [
  ["swap_complete", "A swap is ready"],
  ["swap_failed", "A swap failed"],
  ["swap_started", "A swap begins"],
  ["lock_acquired", "The GPUs are reserved"],
  ["lock_released", "The GPUs are given back"],
  ["lock_forced", "The GPUs are taken from their holder"],
  ["lock_expired", "A reservation ran out"],
  ["node_down", "A Spark cannot be reached"],
  ["node_up", "A Spark can be reached again"],
  ["service_down", "A model stopped answering"],
  ["service_up", "A model answers again"],
] as const;
export const EVERY = "*";

/** @param event one of a later version is shown as it is */
export function eventWord(event: string): string {
  if (event === "test") return "A test";
  return EVENTS.find(([name]) => name === event)?.[1] ?? event;
}

export function nameOf({ name, url }: Webhook): string {
  return name ?? url.replace(/^https?:\/\//, "");
}

export function eventsOf({ events }: Webhook): string {
  if (events.includes(EVERY)) return "every event";
  if (events.length === 2 && events.includes("swap_complete") && events.includes("swap_failed"))
    return "when a swap ends";
  const [first] = events;
  return first && events.length === 1 ? eventWord(first) : plural(events.length, "kind of event", "kinds of event");
}

export interface Outcome {
  readonly tone: Tone;
  readonly word: string;
  readonly detail: string;
}

/** @param now milliseconds since 1970 */
export function outcomeOf(delivery: Delivery, now: number): Outcome {
  const { state, attempts, status, error, next_at: next, last_at: last, created_at: created } = delivery;
  const at = clockTime(last ?? created, now);
  switch (state) {
    case "delivered":
      return {
        tone: "ok",
        word: "Delivered",
        detail: joined(at, `answered ${status ?? "–"}`, attempts > 1 && `try ${attempts}`),
      };
    case "dead":
      return {
        tone: "bad",
        word: "Given up",
        detail: `${at}, after ${plural(attempts, "try", "tries")}. ${error ?? ""}`.trim(),
      };
    case "suppressed":
      return { tone: "off", word: "Not sent", detail: `${at}, simulated cluster` };
    case "pending":
      return {
        tone: "busy",
        word: "Waiting",
        detail:
          attempts === 0
            ? `since ${at}`
            : `${joined(plural(attempts, "try", "tries"), next && `again ${clockTime(next, now)}`)}. ${error ?? ""}`.trim(),
      };
  }
}
