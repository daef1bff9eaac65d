/** Stops and swaps that meet: by what they would take along, not by the names of their slots. */
import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { SwapPlace } from "../../../lib/swap/gate.ts";
import { SlotStops } from "../../../lib/swap/slot-stop.ts";
import { TIMING } from "../../../lib/swap/timing.ts";
import { EngineBench } from "./_engine-bench.ts";
import { aModel, aSlot, aTopology, OPEN_GATE, someSparks } from "./_fixtures.ts";

const HALF = aModel({ key: "half", gpu_memory_utilization: 0.4 });
const WIDE = aModel({ key: "wide", nodes: 2, gpu_memory_utilization: 0.4 });
const slots = [
  aSlot({ name: "both", container: "vllm_node" }),
  aSlot({ name: "one", nodes: ["spark-1"], port: 8889, container: "vllm_node" }),
  aSlot({ name: "beside", nodes: ["spark-1"], port: 8890, container: "vllm_beside" }),
];
const topology = aTopology({ slots });

/** @param figures what the vLLM says of itself, answer by answer; null: none comes, which is all that does afterwards */
function aBench(disrupted: string[] = [], figures: (string | null)[] = []) {
  const gate = {
    ...OPEN_GATE,
    disruptionIn: ({ slot }: { readonly slot: string }) => (disrupted.includes(slot) ? `a stop of ${slot}` : null),
  };
  const bench = new EngineBench({ topology, models: [HALF, WIDE], gate });
  const stopped: string[] = [];
  const stops = new SlotStops({
    control: someSparks({
      get: () => {
        const body = figures.shift() ?? null;
        return Promise.resolve({ status: body === null ? null : 200, body });
      },
      stopContainer: (_node, container) => Promise.resolve(void stopped.push(container)),
    }),
    store: bench.store,
    claims: bench.engine.claims,
    gate,
    timing: TIMING,
    topology: () => topology,
    inFlight: () => 0,
    slotOf: () => null,
    onChange: () => undefined,
  });
  const stop = (name: string) =>
    stops.stop(name, null, new AbortController().signal).then(
      () => "stopped",
      (error) => (error instanceof Fault ? error : Promise.reject(error)),
    );
  return { bench, stop, stopped };
}

describe("a stop of a slot", () => {
  test("is refused while a swap of an overlapping slot loads into a container that it would stop", async () => {
    const { bench, stop, stopped } = aBench();
    await using _ = bench;
    const { job_id } = bench.start(WIDE, { slot: "both" });
    await bench.effects.until("follow", job_id);

    expect(await stop("one")).toMatchObject({ kind: "conflict", code: "swap_running", members: { job_id } });
    expect(stopped).toEqual([]);
  });

  test("goes on where what it serves has room beside what is loaded", async () => {
    const { bench, stop, stopped } = aBench();
    await using _ = bench;
    await bench.load(HALF, "beside");
    const { job_id } = bench.start(WIDE, { slot: "both" });
    await bench.effects.until("follow", job_id);

    expect(await stop("beside")).toBe("stopped");
    expect(stopped).toEqual(["vllm_beside"]);
  });
});

test("a stop does not take one answer that did not come for a model that works on nothing", async () => {
  const figures = [null, "vllm:num_requests_running 1\n", "vllm:num_requests_running 0\n", null];
  const { bench, stop } = aBench([], figures);
  await using _ = bench;

  expect(await stop("beside")).toBe("stopped");
  expect(figures).toEqual([]);
});

describe("a stop during another one", () => {
  test("is refused where both would stop the same container, under whatever name, and goes on beside it", async () => {
    const { bench, stop, stopped } = aBench(["one"]);
    await using _ = bench;

    expect(await stop("both")).toMatchObject({ kind: "conflict", code: "slot_stopping" });
    expect(() => bench.engine.claims.mustBeSettledAt({ nodes: ["spark-1"], port: 0, container: "vllm_node" })).toThrow(
      "a stop of one",
    );
    expect(stopped).toEqual([]);
    expect(await stop("beside")).toBe("stopped");
  });
});

test("the answer to a drain needs the token wherever requests are cut off, also in a slot that has to make room", async () => {
  const asked: (readonly string[])[] = [];
  const whole = aModel({ key: "whole", gpu_memory_utilization: 0.9 });
  const gate = {
    ...OPEN_GATE,
    permit: ({ nodes }: SwapPlace) => {
      asked.push(nodes);
      return null;
    },
  };
  await using bench = new EngineBench({ topology, models: [HALF, WIDE, whole], gate });
  await bench.load(WIDE, "both");
  const { job_id } = bench.start(whole, { slot: "beside" });
  await bench.effects.until("drain", job_id);

  bench.engine.answerDrain(job_id, "cut_off");

  expect(asked).toEqual([["spark-1", "spark-2"]]);
});

describe("a swap", () => {
  test("does not begin while an overlapping slot is stopped, and its plan says so", async () => {
    const { bench } = aBench(["one"]);
    await using _ = bench;

    expect(() => bench.start(WIDE, { slot: "both" })).toThrow("a stop of one");
    const { blockers } = await bench.engine.plan({ model: "wide", slot: "both" }, new AbortController().signal);
    expect(blockers.map(({ code }) => code)).toContain("slot_stopping");
  });

  test("is found by what a container beside the slots would take along", async () => {
    const { bench } = aBench();
    await using _ = bench;
    bench.start(HALF, { slot: "one" });
    const { claims } = bench.engine;

    const place = { nodes: ["spark-1"], port: 0, container: "" };
    expect(() => claims.mustBeSettledAt({ ...place, container: "vllm_node" })).toThrow("is running");
    expect(() => claims.mustBeSettledAt({ ...place, port: 8889 })).toThrow("is running");
    expect(() => claims.mustBeSettledAt({ ...place, nodes: ["spark-2"], port: 8889 })).not.toThrow();
    expect(() => claims.mustBeSettledAt({ ...place, container: "qdrant", port: 6333 })).not.toThrow();
  });
});
