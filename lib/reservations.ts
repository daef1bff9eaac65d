/** Where the reservation lock meets the swaps that it guards, the facts that tell of it and the one counter of generations. */
import type { Database } from "bun:sqlite";
import type { EventBus } from "./events/bus.ts";
import { recordFact } from "./events/facts.ts";
import { isoTime } from "./ids.ts";
import { systemClock } from "./lock/clock.ts";
import type { LockOptions } from "./lock/lock-options.ts";
import { LockStore } from "./lock/lock-store.ts";
import { ReservationLock } from "./lock/reservation-lock.ts";
import type { Logger } from "./log.ts";
import type { SwapStore } from "./swap/swap-store.ts";

interface Means extends Pick<LockOptions, "slots" | "runningSwaps" | "abortBeforeStopping" | "respiteMs"> {
  readonly db: Database;
  readonly swapStore: SwapStore;
  readonly log: Logger;
  readonly events: EventBus;
}

export function createReservationLock({ db, swapStore, log, events, ...rest }: Means): ReservationLock {
  return new ReservationLock({
    ...rest,
    store: new LockStore(db),
    clock: systemClock(),
    random: (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
    transaction: (run) => swapStore.claim(run),
    nextGeneration: () => swapStore.nextGeneration(),
    goOnAfterOthers: (seen) => swapStore.goOnAfterOthers(seen),
    highestGeneration: () => swapStore.highestGeneration(),
    record: (event) => void recordFact(db, event),
    publish: (event) => {
      const { holder, generation } = event.lock;
      log.info("lock", { what: event.type, holder, generation });
      events.publish(event);
    },
    lineChanged: () => events.publish({ type: "line.changed", at: isoTime(Date.now()) }),
    report: (error) => log.error("the lock could not look at the time", { error }),
  });
}
