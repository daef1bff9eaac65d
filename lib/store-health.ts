/** Whether the controller can keep what it must: noted where writing fails, told in its log and to the dashboard. */
import type { EventBus } from "./events/bus.ts";
import type { FactEvent } from "./events/event.ts";
import { recordFact } from "./events/facts.ts";
import type { Logger } from "./log.ts";
import type { Store } from "./store/store.ts";
import { StoreWatch } from "./store/store-watch.ts";

export interface StoreHealthOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly events: EventBus;
  readonly now: () => string;
}

export function createStoreHealth({ store, log, events, now }: StoreHealthOptions) {
  const storeWatch = new StoreWatch({
    dataDir: store.dataDir,
    now,
    tryWriting: () => tryWriting(store),
    onChange: (problem, code) => {
      if (problem) log.error("nothing can be written; swaps wait", { code, evidence: problem.evidence });
      else log.info("writing works again");
      events.publish({ type: "store.changed", at: now() });
    },
  });
  store.telemetry.watch = storeWatch;
  if (store.notice) {
    const { file, keptAs, why } = store.notice;
    log.error("a damaged database was set aside, and a new one begun", { file, kept_as: keptAs, why });
  }
  /** What went wrong inside. A full disk is said once, by the watch. */
  const report = (error: unknown) => {
    if (!storeWatch.failed("others", error)) log.error("an internal error", { error });
  };
  /** A fact that nothing depends on: on a full disk the controller still lets go of everything in good order. */
  const recordIfPossible = (fact: FactEvent) => {
    try {
      store.transaction(() => recordFact(store.facts, fact));
    } catch (error) {
      report(error);
    }
  };
  return { storeWatch, report, recordIfPossible };
}

/** Needs as much room as a few steps of a swap. @throws SQLiteError */
function tryWriting({ facts }: Store): void {
  facts.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('trial', hex(zeroblob(16384)))");
  facts.run("DELETE FROM meta WHERE key = 'trial'");
}
