import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../lib/fault.ts";
import type { NodeView } from "../../../../lib/swap/cluster.ts";
import { stop } from "../../../../lib/swap/effects/stop.ts";
import type { Node } from "../../../../lib/topology/topology.ts";
import { aBelief, aModel, aServingView, aSlot, aTopology, aView, TOTAL_BYTES, unreachable } from "../_fixtures.ts";
import { aRun, type RunOptions } from "./_run.ts";

const never = new AbortController().signal;
const serving = aServingView("vllm serve x");

/** Sparks whose containers serve until they are stopped; what was done is noted in order. */
function sparksThatObey(
  start: Readonly<Record<string, NodeView>>,
  launches: Readonly<Record<string, readonly string[]>> = {},
) {
  const views = new Map(Object.entries(start));
  const done: string[] = [];
  const control: RunOptions["control"] = {
    look: (node, place) => Promise.resolve(views.get(`${node.name}/${place.container}`) ?? aView()),
    runningLaunches: (node) => Promise.resolve(launches[node.name] ?? []),
    killJob: (node, id) => Promise.resolve(void done.push(`kill ${id} on ${node.name}`)),
    stopContainer: (node, container) => {
      done.push(`stop ${container} on ${node.name}`);
      views.delete(`${node.name}/${container}`);
      return Promise.resolve();
    },
  };
  return { control, done };
}

describe("a stop", () => {
  test("ends the launcher first, then the container on every node of the slot", async () => {
    const { control, done } = sparksThatObey(
      { "spark-1/vllm_node": serving, "spark-2/vllm_node": serving },
      { "spark-1": ["job-before"] },
    );

    const run = aRun({ control: control!, beliefs: [aBelief(aModel())] });
    const event = await stop(run, "forward", never);

    expect(event).toEqual({ type: "stopped" });
    expect(run.lines[0]).toBe("telling");
    expect(run.raised).toEqual([]);
    expect(done).toEqual(["kill job-before on spark-1", "stop vllm_node on spark-1", "stop vllm_node on spark-2"]);
  });

  test("stops nothing anywhere when one of the Sparks refuses it", async () => {
    const { control, done } = sparksThatObey({ "spark-1/vllm_node": serving, "spark-2/vllm_node": serving });
    const passFence = (node: Node) =>
      node.name === "spark-2" ? Promise.reject(new Fault("conflict", "fenced", "fenced")) : Promise.resolve();
    const run = aRun({ control: { ...control, passFence }, order: { model: aModel({ nodes: 2 }) } });

    await expect(stop(run, "forward", never)).rejects.toMatchObject({ code: "fenced" });
    expect([done, run.lines]).toEqual([[], []]);
  });

  test("ends a launch that nobody here knows, and spares that of another slot", async () => {
    const slots = [aSlot(), aSlot({ name: "second", container: "second", port: 8889 })];
    const { control, done } = sparksThatObey({}, { "spark-1": ["a-stranger", "of-second"] });
    const slotOf = (id: string) => (id === "of-second" ? "second" : null);

    await stop({ ...aRun({ control: control!, topology: aTopology({ slots }) }), slotOf }, "forward", never);

    expect(done.filter((what) => what.startsWith("kill"))).toEqual(["kill a-stranger on spark-1"]);
  });

  describe("of what was begun by itself", () => {
    const slots = [
      aSlot({ nodes: ["spark-1"] }),
      aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "second" }),
    ];
    const order = { slot: slots[0]!, onlyWhereNothingRuns: true };

    test.each([
      ["in its slot since the first look", "spark-1/vllm_node", "spark-1: docker top vllm_node shows vllm serve x"],
      ["in a slot that would have to make room", "spark-1/second", "spark-1: docker top second shows vllm serve x"],
    ])("leaves alone what somebody has started %s", async (_where, place, evidence) => {
      const { control, done } = sparksThatObey({ [place]: serving }, { "spark-1": ["job-before"] });
      const run = aRun({ control: control!, topology: aTopology({ slots }), order });

      expect(await stop(run, "forward", never)).toMatchObject({
        type: "failed",
        failure: { code: "slot_taken", evidence },
      });
      expect([done, run.lines]).toEqual([[], []]);
    });

    test("ends what died, too, where a part of it runs on in the same container", async () => {
      const { control, done } = sparksThatObey({ "spark-1/vllm_node": serving });
      const remains = { "spark-1": serving.container?.startedAt ?? "" };
      const run = aRun({ control: control!, topology: aTopology({ slots }), order: { ...order, remains } });

      expect(await stop(run, "forward", never)).toEqual({ type: "stopped" });
      expect(done).toEqual(["stop vllm_node on spark-1"]);
    });

    test("ends what is left of what died: a container with nothing in it", async () => {
      const { control, done } = sparksThatObey({ "spark-1/vllm_node": { ...serving, vllm: [], portOpen: false } });
      const run = aRun({ control: control!, topology: aTopology({ slots }), order });

      expect(await stop(run, "forward", never)).toEqual({ type: "stopped" });
      expect(done).toEqual(["stop vllm_node on spark-1"]);
    });
  });

  test("leaves the model of another slot alone when both have room", async () => {
    const slots = [
      aSlot({ nodes: ["spark-1"] }),
      aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "second" }),
    ];
    const { control, done } = sparksThatObey({
      "spark-1/second": aServingView("vllm serve y", { memory: aView().memory }),
    });
    const beliefs = [aBelief(aModel(), { slot: "second" })];

    await stop(
      aRun({ control: control!, beliefs, topology: aTopology({ slots }), order: { slot: slots[0]! } }),
      "forward",
      never,
    );

    expect(done).toEqual(["stop vllm_node on spark-1"]);
  });

  test("ends the model of another slot that is in the way", async () => {
    const slots = [
      aSlot({ nodes: ["spark-1"] }),
      aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "second" }),
    ];
    const { control, done } = sparksThatObey({ "spark-1/second": serving });

    await stop(
      aRun({ control: control!, topology: aTopology({ slots }), order: { slot: slots[0]! } }),
      "forward",
      never,
    );

    expect(done.sort()).toEqual(["stop second on spark-1", "stop vllm_node on spark-1"]);
  });

  test("leaves a container of the same name alone in which another slot serves on another Spark", async () => {
    const slots = [aSlot(), aSlot({ name: "second", nodes: ["spark-2"] })];
    const { control, done } = sparksThatObey(
      { "spark-1/vllm_node": serving, "spark-2/vllm_node": serving },
      { "spark-1": ["job-before"] },
    );
    const beliefs = [aBelief(aModel()), aBelief(aModel(), { slot: "second", nodes: ["spark-2"], launch_id: "other" })];

    const event = await stop(aRun({ control: control!, beliefs, topology: aTopology({ slots }) }), "forward", never);

    expect(event).toEqual({ type: "stopped" });
    expect(done).toEqual(["kill job-before on spark-1", "stop vllm_node on spark-1"]);
  });

  test.each([
    [
      "the container",
      aView({ container: { running: true, image: "vllm-node", startedAt: "" } }),
      "spark-1: container vllm_node is still there",
    ],
    ["a process", aView({ vllm: ["VLLM::EngineCore"] }), "spark-1: docker top shows VLLM::EngineCore"],
    ["the port", aView({ portOpen: true }), "spark-1: port 8888 is still open"],
  ])("after which %s is still there is not verified, and says what is left", async (_what, left, evidence) => {
    const control = {
      look: (node: Node) => Promise.resolve(node.name === "spark-1" ? left : aView()),
      stopContainer: () => Promise.resolve(),
    };

    const event = await stop(aRun({ control, timing: { stopDeadlineMs: 1 } }), "forward", never);

    expect(event).toMatchObject({ type: "failed", failure: { code: "stop_unverified", evidence } });
  });

  const workerAway = {
    look: (node: Node) => (node.name === "spark-2" ? Promise.reject(unreachable("spark-2")) : Promise.resolve(aView())),
    stopContainer: (node: Node) =>
      node.name === "spark-2" ? Promise.reject(unreachable("spark-2")) : Promise.resolve(),
  };

  test("on a Spark that the model needs and that does not answer is a failure, never taken for done", async () => {
    const run = aRun({ control: workerAway, order: { model: aModel({ nodes: 2 }) }, timing: { stopDeadlineMs: -1 } });

    await expect(stop(run, "forward", never)).rejects.toMatchObject({ code: "ssh_network" });
  });

  test("begins again when a Spark was silent for a moment: what ran there must not be half stopped", async () => {
    let cuts = 1;
    const stopped: string[] = [];
    const stopContainer = (node: Node) => {
      if (node.name === "spark-2" && cuts-- > 0) return Promise.reject(unreachable("spark-2"));
      stopped.push(node.name);
      return Promise.resolve();
    };
    const run = aRun({ control: { stopContainer }, order: { model: aModel({ nodes: 2 }) } });

    expect(await stop(run, "forward", never)).toEqual({ type: "stopped" });
    expect(stopped).toEqual(["spark-1", "spark-1", "spark-2"]);
    expect(run.waits).toEqual(["connect ETIMEDOUT", null]);
    // The one that was cut may arrive yet, at what is launched next: it is refused then.
    expect(run.raised).toEqual([7]);
  });

  test("that fails on one Spark is over only when it is on the others: what came later would hit the next launch", async () => {
    const other = Promise.withResolvers<void>();
    const stopContainer = (node: Node) =>
      node.name === "spark-1" ? Promise.reject(new Fault("upstream", "docker_failed", "docker: no")) : other.promise;
    const run = aRun({ control: { stopContainer }, order: { model: aModel({ nodes: 2 }) } });
    let isOver = false;
    const ended = stop(run, "forward", never).catch((error) => {
      isOver = true;
      return error;
    });
    await Bun.sleep(5);

    expect(isOver).toBe(false);
    other.resolve();
    expect(await ended).toMatchObject({ code: "docker_failed" });
  });

  test("leaves a Spark alone that does not answer and that the model does not need, and says so", async () => {
    const run = aRun({ control: workerAway });

    expect(await stop(run, "forward", never)).toEqual({ type: "stopped" });
    expect(run.lines.join("\n")).toContain("spark-2 is left alone; this model does not need it.");
  });

  test("on a Spark that does not do as it is told for another reason is a mistake, not an absence", async () => {
    const control = { stopContainer: () => Promise.reject(new TypeError("a mistake")) };

    await expect(stop(aRun({ control }), "forward", never)).rejects.toThrow(TypeError);
  });

  test("waits until the memory that the new model needs is back", async () => {
    const free = [10e9, 10e9, 40e9, 90e9];
    let looks = 0;
    const control = {
      stopContainer: () => Promise.resolve(),
      look: (node: Node) => {
        if (node.name !== "spark-1") return Promise.resolve(aView());
        const availableBytes = free[Math.min(looks++, free.length - 1)]!;
        return Promise.resolve(aView({ memory: { totalBytes: TOTAL_BYTES, availableBytes } }));
      },
    };
    const topology = aTopology({ slots: [aSlot()] });

    const event = await stop(aRun({ control, topology }), "forward", never);

    expect(event).toEqual({ type: "stopped" });
    expect(looks).toBeGreaterThan(1);
  });
});
