/**
 * What must not come alive again in data that are not simply what the last process left: a reservation of the past, a swap that
 * has ended since, a service that somebody has stopped since. Generations stay, and go on above what the Sparks have seen.
 */
import { isoTime } from "./ids.ts";
import type { ReservationLock } from "./lock/reservation-lock.ts";
import type { Logger } from "./log.ts";
import { Conditions } from "./service/conditions.ts";
import { forgetOrigin, type Origin } from "./store/origin.ts";
import type { Store } from "./store/store.ts";
import type { SwapStore } from "./swap/swap-store.ts";

interface Means {
  readonly store: Pick<Store, "facts" | "transaction">;
  readonly swapStore: Pick<SwapStore, "setRestored" | "mendCounter" | "endUnreadable">;
  readonly lock: Pick<ReservationLock, "open">;
  readonly origin: Origin;
  readonly log: Logger;
}

const LEFT_ALONE =
  "These data were restored from a backup: it is left alone until it is healthy again, or somebody starts or restarts it.";

/** Takes up the lock; before the swaps are taken up, and before what is remembered of services is read. */
export function openData({ store, swapStore, lock, origin, log }: Means): void {
  const { restoredFrom, copiedFrom, lost } = origin;
  swapStore.mendCounter();
  const ended = store.transaction(() => swapStore.endUnreadable(isoTime(Date.now())));
  if (ended.length > 0) log.error("swaps under way could not be read, and count as failed", { job_ids: ended });
  // Who has reserved the GPUs is not known where the facts are lost: then nobody but a person may say that nobody has.
  lock.open(disbelieved(origin), lost);
  if (lost !== null) log.error("the facts are lost, so everything counts as reserved", { reason: lost });
  if (restoredFrom !== null) log.warn("these data were restored from a backup", { backup_of: restoredFrom });
  if (copiedFrom !== null)
    log.warn("these data are a copy: this is another controller from here on", { copied_from: copiedFrom });
  if (restoredFrom === null && copiedFrom === null && lost === null) return;
  // Only now that the reservation is gone, or sealed, for good: a crash before this line finds the mark again, and does the same.
  store.transaction(() => {
    if (restoredFrom !== null) {
      swapStore.setRestored();
      new Conditions(store.facts).leaveAlone(LEFT_ALONE, isoTime(Date.now()));
    }
    forgetOrigin(store.facts);
  });
}

/** Why what these data say is reserved is not believed; shown to people. */
function disbelieved({ restoredFrom, copiedFrom }: Origin): string | null {
  if (restoredFrom !== null)
    return `These data were restored from a backup of ${restoredFrom}. What was reserved then is not reserved now.`;
  if (copiedFrom !== null) return "These data are a copy of another Spark Control's. Its reservations are its own.";
  return null;
}
