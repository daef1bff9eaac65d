import { expect, test } from "bun:test";
import { anySignal } from "../../../lib/client/any-signal.ts";
import { countListeners } from "../../support/listeners.ts";

/** As many controllers, and who counts the listeners of each. */
function controllers(count: number) {
  const all = Array.from({ length: count }, () => new AbortController());
  const counts = all.map(({ signal }) => countListeners(signal));
  return { all, signals: all.map(({ signal }) => signal), listeners: () => counts.map((listened) => listened()) };
}

test("aborts with the first, once, with its reason, and lets go of the others", () => {
  const { all, signals, listeners } = controllers(3);
  const { signal } = anySignal([signals[0], undefined, signals[1], signals[2]]);
  let told = 0;
  signal.addEventListener("abort", () => {
    told += 1;
  });
  expect([signal.aborted, listeners()]).toEqual([false, [1, 1, 1]]);

  all[1]?.abort("enough");
  all[0]?.abort("too late");

  expect([signal.aborted, signal.reason, told, listeners()]).toEqual([true, "enough", 1, [0, 0, 0]]);
});

test("of one that has aborted already it takes the reason, and listens to none", () => {
  const { all, signals, listeners } = controllers(3);
  all[1]?.abort("before");

  const { signal } = anySignal(signals);

  expect([signal.aborted, signal.reason, listeners()]).toEqual([true, "before", [0, 0, 0]]);
});

test("who has left is not told any more, and leaves nothing behind", () => {
  const { all, signals, listeners } = controllers(2);
  const { signal, leave } = anySignal(signals);

  leave();
  leave();
  all[0]?.abort();

  expect([signal.aborted, listeners()]).toEqual([false, [0, 0]]);
});

test("of none it never aborts", () => {
  expect(anySignal([undefined]).signal.aborted).toBe(false);
});
