/** Swaps of slots that share a Spark: what one does must not reach what another loads. Found by engine-model.test.ts. */
import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { cleanUp } from "../../../lib/swap/effects/clean-up.ts";
import { stop } from "../../../lib/swap/effects/stop.ts";
import { fenced, type Run } from "../../../lib/swap/run.ts";
import type { Node } from "../../../lib/topology/topology.ts";
import { EngineBench } from "./_engine-bench.ts";
import { aBelief, aModel, aNode, aServingView, aSlot, aTopology, aView, OPEN_GATE } from "./_fixtures.ts";
import { aRun } from "./effects/_run.ts";

const never = new AbortController().signal;
const SMALL = aModel({ key: "small", gpu_memory_utilization: 0.3 });
const HALF = aModel({ key: "half", gpu_memory_utilization: 0.5 });
const BIG = aModel({ key: "big", gpu_memory_utilization: 0.6 });
const beside = aSlot({ name: "beside", port: 8889, container: "vllm_beside" });
const topology = aTopology({ slots: [aSlot(), beside] });

describe("a swap beside another", () => {
  test("knows what the other one is loading", async () => {
    await using bench = new EngineBench({ topology, models: [HALF] });
    const one = bench.start(HALF, { slot: "main" });
    await bench.effects.until("follow", one.job_id);
    const two = bench.start(HALF, { slot: "beside" });

    const { run } = await bench.effects.until("stop", two.job_id);

    expect(run.beliefs()).toMatchObject([{ slot: "main", model: { key: "half" }, launch_id: one.job_id }]);
  });

  test("does not stop what the other one is loading: both have room", async () => {
    const stopped: string[] = [];
    const control = {
      look: (_node: Node, { container }: { container: string }) =>
        Promise.resolve(container === "vllm_beside" && stopped.length === 0 ? aServingView("vllm serve x") : aView()),
      stopContainer: (node: Node, container: string) =>
        Promise.resolve(void stopped.push(`${container} on ${node.name}`)),
    };
    const beliefs = [aBelief(HALF, { slot: "beside", launch_id: "still-loading" })];

    const event = await stop(aRun({ control, topology, beliefs, order: { model: HALF } }), "forward", never);

    expect(event).toEqual({ type: "stopped" });
    expect(stopped).toEqual(["vllm_node on spark-1", "vllm_node on spark-2"]);
  });

  test("has to wait where the other one may go back to a model that leaves no room", async () => {
    await using bench = new EngineBench({ topology, models: [SMALL, HALF, BIG] });
    await bench.load(BIG, "main");
    const { job_id } = bench.start(SMALL, { slot: "main" });

    expect(() => bench.start(HALF, { slot: "beside" })).toThrow("is running");

    await bench.effects.until("follow", job_id);
    expect(() => bench.start(HALF, { slot: "beside" })).toThrow("is running");
  });

  test("has to wait where the other one will stop what its own slot serves: the stop would reach the new model", async () => {
    await using bench = new EngineBench({ topology, models: [SMALL, HALF, BIG] });
    await bench.load(BIG, "beside");
    const { job_id } = bench.start(HALF, { slot: "main" });

    expect(() => bench.start(SMALL, { slot: "beside" })).toThrow("is running");

    await bench.effects.until("follow", job_id);
    expect(bench.start(SMALL, { slot: "beside" }).slot).toBe("beside");
  });
});

const RESERVED = { holder: "Bob", note: "evaluation", expires_at: "2026-01-01T12:00:00.000+00:00" };

describe("a stranger in another slot that leaves no room", () => {
  /** The swap of main, at its stop. @param own generation of the reservation under which it was claimed */
  async function atItsStop(own: number | null) {
    const stopped: string[] = [];
    let reserved: number | null = own;
    const bench = new EngineBench({
      ...{ topology, models: [BIG] },
      control: {
        look: (_node: Node, { container }: { container: string }) =>
          Promise.resolve(container === "vllm_beside" && stopped.length === 0 ? aServingView("vllm serve x") : aView()),
        stopContainer: (node: Node, container: string) =>
          Promise.resolve(void stopped.push(`${container} on ${node.name}`)),
      },
      gate: {
        ...OPEN_GATE,
        admit: () => own,
        reservationOfAnother: ({ slot }, reservation) =>
          slot === "beside" && reserved !== null && reserved !== reservation ? RESERVED : null,
      },
    });
    const { job_id } = bench.start(BIG, { slot: "main" });
    const { run } = await bench.effects.until("stop", job_id);
    const reserve = (generation: number) => {
      reserved = generation;
    };
    return { bench, stopped, reserve, stops: () => stop(run, "forward", never) };
  }

  test("is not stopped where somebody has reserved its slot since the claim, nor is anything else", async () => {
    for (const own of [null, 6]) {
      const { bench, stopped, reserve, stops } = await atItsStop(own);
      await using _ = bench;
      reserve(7);

      await expect(stops()).rejects.toMatchObject({
        kind: "locked",
        code: "reserved",
        message: "Slot beside would have to make room, and Bob has reserved it.",
        members: { evidence: "reserved by Bob until 2026-01-01T12:00:00.000+00:00: evaluation" },
      });
      expect(stopped).toEqual([]);
    }
  });

  test("is stopped where nobody has, and where the swap's own reservation covers it", async () => {
    for (const own of [null, 6]) {
      const { bench, stopped, stops } = await atItsStop(own);
      await using _ = bench;

      expect(await stops()).toEqual({ type: "stopped" });
      expect(stopped).toContain("vllm_beside on spark-1");
    }
  });
});

describe("what a node refuses because of its generation", () => {
  const refusal = new Fault("conflict", "fenced", "spark-1 obeys generation 9.");
  const head = aNode("spark-1");

  function aFencedRun(isOwn: boolean): Run {
    const control = { fence: () => Promise.resolve({ foreign: null, generation: 9 }) };
    const run = { ...aRun({ control }) };
    return Object.assign(run, {
      raiseGeneration: (seen: number, whose: string) => {
        if (isOwn && whose === "own") Object.assign(run, { generation: seen + 1 });
      },
    });
  }

  test("is done again above it where another swap of this controller was there", async () => {
    const run = aFencedRun(true);
    const tried: number[] = [];

    await fenced(run, head, never, () => {
      tried.push(run.generation);
      return run.generation > 9 ? Promise.resolve() : Promise.reject(refusal);
    });

    expect(tried).toEqual([7, 10]);
  });

  test("stays refused where it was someone else's", async () => {
    await expect(fenced(aFencedRun(false), head, never, () => Promise.reject(refusal))).rejects.toBe(refusal);
  });
});

describe("a clean-up after a long time", () => {
  test("spares a container of the same name in which another slot serves by now", async () => {
    const done: string[] = [];
    const control = {
      killJob: (_node: Node, id: string) => Promise.resolve(void done.push(`kill ${id}`)),
      stopContainer: () => Promise.resolve(void done.push("stop")),
      look: () => Promise.resolve(aServingView("vllm serve x")),
    };
    const left = aSlot({ name: "left", nodes: ["spark-1"] });
    const both = aSlot({ name: "both" });
    const run = aRun({
      control,
      topology: aTopology({ slots: [left, both] }),
      beliefs: [aBelief(HALF, { slot: "both" })],
      order: { slot: left },
    });

    expect(await cleanUp(run, "forward", never)).toEqual({ type: "cleaned" });
    expect(done).toEqual(["kill swap-1", "kill swap-1-log"]);
  });

  test("reaches the other Spark too where what ran before is still believed in", async () => {
    const stopped: string[] = [];
    const control = {
      killJob: () => Promise.resolve(),
      stopContainer: (node: Node) => Promise.resolve(void stopped.push(node.name)),
    };
    const beliefs = [aBelief(aModel({ nodes: 2 }), { nodes: ["spark-1", "spark-2"] })];

    await cleanUp(aRun({ control, beliefs }), "forward", never);

    expect(stopped).toEqual(["spark-1", "spark-2"]);
  });
});
