/** The order in which restored data are taken up: a crash at any moment brings nothing back. */
import { expect, test } from "bun:test";
import { createLogger } from "../../../lib/log.ts";
import { openData } from "../../../lib/restored-data.ts";
import { afterLook, type Condition, chooseRestart, firstCondition } from "../../../lib/service/condition.ts";
import { Conditions } from "../../../lib/service/conditions.ts";
import { markCopied, markSnapshot, readOrigin } from "../../../lib/store/origin.ts";
import { openStore } from "../../../lib/store/store.ts";
import { temporaryFolder } from "./_folder.ts";

const log = createLogger({ level: "error" });
const AT = "2026-01-31T12:00:00.000Z";

const mendCounter = () => undefined;
const endUnreadable = () => [];

test("while the reservation could not be dropped the mark stays; once it was, it is gone", () => {
  using folder = temporaryFolder();
  const store = openStore(folder.path);
  markSnapshot(store.facts, AT);
  const reasons: (string | null)[] = [];
  let restored = 0;
  const swapStore = {
    mendCounter,
    endUnreadable,
    setRestored: () => {
      restored += 1;
    },
  };
  const take = (fails: boolean) =>
    openData({
      ...{ store, swapStore, log, origin: readOrigin(store.facts) },
      lock: {
        open: (reason) => {
          reasons.push(reason);
          if (fails) throw new Error("the disk is full");
        },
      },
    });

  expect(() => take(true)).toThrow("full");
  expect([readOrigin(store.facts).restoredFrom, restored]).toEqual([AT, 0]);
  take(false);
  take(false);

  expect(readOrigin(store.facts)).toEqual({ restoredFrom: null, copiedFrom: null, lost: null });
  expect(reasons.map((reason) => reason?.includes(AT) ?? null)).toEqual([true, true, null]);
  expect(restored).toBe(1);
  store.close();
});

test("the swaps are set aside in the transaction that forgets the mark", () => {
  using folder = temporaryFolder();
  const store = openStore(folder.path);
  markSnapshot(store.facts, AT);
  const setRestored = () => {
    throw new Error("the disk is full");
  };
  const origin = readOrigin(store.facts);

  expect(() =>
    openData({
      store,
      origin,
      log,
      lock: { open: () => undefined },
      swapStore: { mendCounter, endUnreadable, setRestored },
    }),
  ).toThrow("full");

  expect(readOrigin(store.facts)).toEqual(origin);
  store.close();
});

test("a service is not restarted by itself before it was well once: it may have been stopped on purpose since", () => {
  using folder = temporaryFolder();
  const store = openStore(folder.path);
  const conditions = new Conditions(store.facts);
  const healthy: Condition = { ...firstCondition(AT), state: "healthy", wasThere: true };
  conditions.keep("kokoro", healthy);
  conditions.keep("qdrant", { ...healthy, state: "unhealthy", givenUp: "It failed three times." });
  markSnapshot(store.facts, AT);

  const swapStore = { mendCounter, endUnreadable, setRestored: () => undefined };
  openData({ store, swapStore, log, lock: { open: () => undefined }, origin: readOrigin(store.facts) });

  const kept = conditions.all(AT);
  const down = { state: "unhealthy", reason: "Its container has ended.", certain: true } as const;
  const up = { state: "healthy", reason: null, certain: true } as const;
  const choose = (condition: Condition) =>
    chooseRestart(condition, { enabled: true, possible: true, now: Date.parse(AT) }).what;
  expect(choose(afterLook(healthy, down, AT))).toBe("restart");
  const restored = afterLook(kept.get("kokoro")!, down, AT);
  expect([choose(restored), restored.givenUp]).toEqual(["nothing", expect.stringContaining("backup")]);
  expect(choose(afterLook(afterLook(restored, up, AT), down, AT))).toBe("restart");
  expect(kept.get("qdrant")?.givenUp).toBe("It failed three times.");
  store.close();
});

test("a copy of another controller's folder: what it has reserved is not ours; its swaps are the fences' to refuse", () => {
  using folder = temporaryFolder();
  const store = openStore(folder.path);
  markCopied(store.facts, "another");
  const reasons: (string | null)[] = [];
  const swapStore = {
    mendCounter,
    endUnreadable,
    setRestored: () => {
      throw new Error("nothing was restored");
    },
  };

  const lock = { open: (reason: string | null) => void reasons.push(reason) };
  openData({ store, swapStore, log, lock, origin: readOrigin(store.facts) });

  expect(reasons).toEqual([expect.stringContaining("copy of another Spark Control")]);
  expect(readOrigin(store.facts)).toEqual({ restoredFrom: null, copiedFrom: null, lost: null });
  store.close();
});
