/** Looks that were under way when a swap ended saw what is no longer there. */
import { expect, test } from "bun:test";
import type { NodeView } from "../../../lib/swap/cluster.ts";
import { SlotBoard } from "../../../lib/swap/slot-board.ts";
import { aJob, aNode, aServingView, aSlot, aTopology, aView, someSparks } from "./_fixtures.ts";
import { everythingRan } from "./_scripted-effects.ts";

const BY_HAND = aServingView("vllm serve acme/by-hand");

/** One Spark, whose looks are answered by the test, in the order in which they began. */
function aBoard() {
  const looks: ((view: NodeView) => void)[] = [];
  const topology = aTopology({ nodes: [aNode("spark-1")], slots: [aSlot({ nodes: ["spark-1"] })] });
  const board = new SlotBoard({
    control: someSparks({
      look: () => new Promise((answer) => looks.push(answer)),
      get: async () => ({ status: null, body: null }),
    }),
    slotIntervalMs: 1_000,
    nodeIntervalMs: 1_000,
    topology: () => topology,
    catalog: () => ({ models: [], problems: [] }),
    beliefs: () => [],
    active: () => [],
    loadedBy: () => null,
    inFlight: () => 0,
    now: () => "2026-01-01T00:00:00.000+00:00",
    onSlot: () => undefined,
    onNode: () => undefined,
    onLooked: () => undefined,
    report: (error) => {
      throw error;
    },
  });
  return { board, looks, difference: () => board.statuses()[0]?.difference ?? null };
}

test("two looks in a row that began and ended while nothing moved show what runs", async () => {
  const { board, looks, difference } = aBoard();
  for (let round = 0; round < 2; round++) {
    const looking = board.lookAtNodes();
    looks.at(-1)?.(BY_HAND);
    await looking;
  }
  expect(difference()).toMatchObject({ code: "by_hand" });
  expect(board.calm("spark-1")?.memory).toEqual(BY_HAND.memory);
});

test("what was looked at across the end of a swap is neither compared nor kept as calm", async () => {
  const { board, looks, difference } = aBoard();
  const before = [board.lookAtNodes(), board.lookAtNodes()];
  board.settled(aJob({ state: "ready" }));
  for (const answer of looks.slice(0, 2)) answer(BY_HAND);
  await Promise.all(before);
  expect([difference(), board.calm("spark-1")]).toEqual([null, undefined]);

  // The look that the end of the swap has asked for counts.
  looks[2]?.(aView());
  await everythingRan();
  expect(board.calm("spark-1")?.memory).toEqual(aView().memory);
});

test("the same across a Spark that is described otherwise now", async () => {
  const { board, looks, difference } = aBoard();
  const before = [board.lookAtNodes(), board.lookAtNodes()];
  board.reconfigured(["spark-1"]);
  for (const answer of looks.slice(0, 2)) answer(BY_HAND);
  await Promise.all(before);
  expect([difference(), board.calm("spark-1")]).toEqual([null, undefined]);
});
