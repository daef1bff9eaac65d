import { describe, expect, test } from "bun:test";
import type { Model } from "../../../lib/catalog/catalog.ts";
import type { Belief } from "../../../lib/swap/facts.ts";
import { allNodesOf, nodesOf, pause } from "../../../lib/swap/run.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { aBelief, aModel, aNode, aSlot, aTopology } from "./_fixtures.ts";
import { aRun } from "./effects/_run.ts";

describe("the nodes that a stop reaches", () => {
  const main = aSlot();
  const second = aSlot({ name: "second", nodes: ["spark-2"] });
  const inSecond = aBelief(aModel({ key: "other" }), { slot: "second", nodes: ["spark-2"] });

  function reached(slots: readonly Slot[], beliefs: readonly Belief[], model: Model = aModel()): string[] {
    const topology = aTopology({ slots });
    const run = { topology: () => topology, beliefs: () => beliefs, order: { model, slot: main, previous: null } };
    return allNodesOf(run, main).map(({ name }) => name);
  }

  test("are all of the slot, also those that the new model does not use", () => {
    expect(reached([main], [aBelief(aModel())])).toEqual(["spark-1", "spark-2"]);
  });

  test("are none on which another slot serves in a container of the same name, or on the same port, and may stay", () => {
    expect(reached([main, second], [inSecond])).toEqual(["spark-1"]);
    expect(reached([main, { ...second, container: "second" }], [inSecond])).toEqual(["spark-1"]);
    expect(reached([main, { ...second, port: 8889 }], [inSecond])).toEqual(["spark-1"]);
  });

  test("are all where the other slot has a container and a port of its own", () => {
    expect(reached([main, { ...second, container: "second", port: 8889 }], [inSecond])).toEqual(["spark-1", "spark-2"]);
  });

  test("are all where the other slot has to stop for the new model", () => {
    expect(reached([main, second], [inSecond], aModel({ nodes: 2 }))).toEqual(["spark-1", "spark-2"]);
  });

  test("are only those that are configured", () => {
    const topology = aTopology({
      nodes: [aNode("spark-1"), { status: "misconfigured", name: "spark-2", reason: "no user" }],
    });
    const run = { topology: () => topology, beliefs: () => [], order: { model: aModel(), slot: main, previous: null } };

    expect(allNodesOf(run, main).map(({ name }) => name)).toEqual(["spark-1"]);
  });
});

test("a Spark that has gone from the configuration is told with those that are left", () => {
  const slot = aSlot({ nodes: ["spark-3"] });
  const gone = thrownBy(() => nodesOf(aRun({ order: { slot } }), "forward"));
  expect(gone).toMatchObject({
    code: "node_gone",
    members: { evidence: "the configuration has spark-1, spark-2" },
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe("a pause", () => {
  const HOURS_MS = 3_600_000;

  test("ends by itself", async () => {
    expect(await pause(1, new AbortController().signal)).toBeUndefined();
  });

  test("is left at once by an abort, with its reason", async () => {
    const left = new AbortController();
    const pausing = pause(HOURS_MS, left.signal);

    left.abort(new Error("left"));

    await expect(pausing).rejects.toThrow("left");
  });

  test("does not begin when it was left before", async () => {
    await expect(pause(HOURS_MS, AbortSignal.abort(new Error("left before")))).rejects.toThrow("left before");
  });
});
