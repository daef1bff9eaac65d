/** A Spark is asked what it remembers: again until it answers and nothing is left to take up, and never by two at a time for long. */
import { expect, test } from "bun:test";
import { Fault } from "../../lib/fault.ts";
import { createFirstContact } from "../../lib/first-contact.ts";
import type { Fence } from "../../lib/swap/cluster.ts";
import { until } from "../support/until.ts";
import { aNode } from "./swap/_fixtures.ts";

const OURS: Fence = { foreign: null, generation: 7 };
const AGAIN_MS = 20;

/** @param answers of the Spark, one a look, the last one for good; null: none @param adopted what adopting says, likewise */
function aContact(answers: readonly (Fence | null)[], adopted: readonly boolean[] = [true]) {
  const seen = { asked: 0, adopting: 0, generations: [] as number[], reported: [] as unknown[] };
  const contact = createFirstContact({
    control: {
      async fence() {
        const answer = answers[Math.min(seen.asked++, answers.length - 1)];
        if (!answer) throw new Fault("upstream", "ssh_network", "spark-1 does not answer.");
        return answer;
      },
    },
    node: (name) => (name === "spark-1" ? aNode(name) : undefined),
    onGeneration: (generation) => seen.generations.push(generation),
    adopt: async () => adopted[Math.min(seen.adopting++, adopted.length - 1)]!,
    report: (error) => seen.reported.push(error),
    againMs: AGAIN_MS,
  });
  return { contact, seen, [Symbol.dispose]: () => contact.close() };
}

test("it is asked until it answers, and then no more", async () => {
  using it = aContact([null, null, OURS]);
  it.contact.look("spark-1");
  await until("it has answered", () => it.seen.adopting === 1);
  await Bun.sleep(AGAIN_MS * 3);
  expect(it.seen).toEqual({ asked: 3, adopting: 1, generations: [7], reported: [] });
});

test("what still loads there is asked for again", async () => {
  using it = aContact([OURS], [false, false, true]);
  it.contact.look("spark-1");
  await until("it was taken up", () => it.seen.adopting === 3);
  await Bun.sleep(AGAIN_MS * 3);
  expect(it.seen.adopting).toBe(3);
});

test("a Spark of another controller tells nothing, and nothing is taken up there", async () => {
  using it = aContact([{ foreign: "other", generation: 99 }]);
  it.contact.look("spark-1");
  await until("it was asked", () => it.seen.asked === 1);
  await Bun.sleep(AGAIN_MS * 3);
  expect(it.seen).toEqual({ asked: 1, adopting: 0, generations: [], reported: [] });
});

test("looks at the same moment go on as one, and end with the controller", async () => {
  using it = aContact([OURS], [false]);
  for (let turn = 0; turn < 10; turn++) it.contact.look("spark-1");
  await until("the first looks are over", () => it.seen.adopting === 10);
  await until("it was asked again", () => it.seen.adopting > 12);
  // Ten chains would have asked nine or ten times in each interval.
  expect(it.seen.adopting).toBeLessThan(16);
  it.contact.close();
  const { asked } = it.seen;
  await Bun.sleep(AGAIN_MS * 3);
  expect(it.seen.asked).toBe(asked);
});
