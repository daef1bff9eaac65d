import { expect, test } from "bun:test";
import { OutageWatch } from "../../../lib/swap/outage-watch.ts";
import type { SlotState, SlotStatus } from "../../../lib/swap/slots.ts";
import { until } from "../../support/until.ts";

function bench(lastsMs: number) {
  const told: ("up" | "down")[] = [];
  const watch = new OutageWatch({
    told: () => told.at(-1) ?? null,
    tell: (_, is) => told.push(is),
    report: (error) => {
      throw error;
    },
    lastsMs,
  });
  const see = (...states: SlotState[]) => {
    for (const state of states) watch.see({ name: "main", state } as SlotStatus);
  };
  return { told, see, [Symbol.dispose]: () => watch.close() };
}

test("an outage that lasts is told once, and its end", async () => {
  using one = bench(20);
  one.see("serving", "not_answering", "not_answering");
  await until("it is told", () => one.told.length === 1);
  one.see("not_answering", "serving", "serving");

  expect(one.told).toEqual(["down", "up"]);
});

test("one that is over soon is not, nor one that a swap makes", async () => {
  using one = bench(60_000);
  one.see("not_answering", "serving", "not_answering", "swapping", "not_answering", "idle", "serving");
  expect(one.told).toEqual([]);

  using other = bench(20);
  other.see("not_answering", "serving");
  other.see("not_answering");
  await until("the lasting one is told", () => other.told.length === 1);
  other.see("swapping", "serving");
  expect(other.told).toEqual(["down", "up"]);
});
