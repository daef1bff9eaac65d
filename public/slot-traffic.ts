/** How each slot answered lately, as the controller counts it. */
import { fetchTraffic, type Traffic } from "./api.ts";
import { serverNow } from "./clock.ts";
import { signal } from "./store.ts";

/** Asked for at most so often while requests come. */
const PAUSE_MS = 10_000;

/** By slot; a slot is missing until it was asked for. */
export const slotTraffic = signal<Readonly<Record<string, Traffic>>>({});

let askedAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Soon, and not more often than is worth it. A question that fails changes nothing. */
export function refreshSlotTraffic(slots: readonly string[]): void {
  if (timer !== undefined) return;
  timer = setTimeout(
    () => {
      timer = undefined;
      askedAt = Date.now();
      for (const slot of slots) void ask(slot).catch(() => undefined);
    },
    Math.max(0, askedAt + PAUSE_MS - Date.now()),
  );
}

async function ask(slot: string): Promise<void> {
  const midnight = new Date(serverNow());
  midnight.setHours(0, 0, 0, 0);
  const traffic = await fetchTraffic(slot, midnight.toISOString());
  slotTraffic.value = { ...slotTraffic.value, [slot]: traffic };
}
