import { describe, expect, test } from "bun:test";
import type { NodeView } from "../../../../lib/swap/cluster.ts";
import { look } from "../../../../lib/swap/effects/look.ts";
import type { Node } from "../../../../lib/topology/topology.ts";
import { aBelief, aModel, aServingView, aSlot, aTopology, aView, unreachable } from "../_fixtures.ts";
import { aRun, type RunOptions } from "./_run.ts";

const never = new AbortController().signal;
const serving = aServingView("vllm serve x");
const BIG = aModel({ nodes: 2 });
const before = aBelief(aModel({ key: "before", nodes: 2 }), { nodes: ["spark-1", "spark-2"] });

/** Sparks that obey, or not: what is told to them is noted. */
function sparks(start: Readonly<Record<string, NodeView>>, obeys = true) {
  const views = new Map(Object.entries(start));
  const done: string[] = [];
  const control: NonNullable<RunOptions["control"]> = {
    look: async (node, { container }) => views.get(`${node.name}/${container}`) ?? aView(),
    passFence: async (node) => void done.push(`fence of ${node.name}`),
    killJob: async () => undefined,
    stopContainer: async (node, container) => {
      done.push(`stop ${container} on ${node.name}`);
      if (obeys) views.delete(`${node.name}/${container}`);
    },
  };
  return { control, done };
}

describe("a look after a stop that failed", () => {
  test("finds what still runs on all of its Sparks, and leaves it as it is", async () => {
    const worker = aView({ container: serving.container });
    const { control, done } = sparks({ "spark-1/vllm_node": serving, "spark-2/vllm_node": worker });
    const run = aRun({ control, order: { model: BIG }, beliefs: [before] });
    expect(await look(run, "forward", never)).toEqual({ type: "looked", left: "stays", alsoGone: [] });
    expect(done.sort()).toEqual(["fence of spark-1", "fence of spark-2"]);
  });

  test("stops for good what is half stopped, on every Spark that it had", async () => {
    for (const left of ["spark-1", "spark-2"]) {
      const { control, done } = sparks({ [`${left}/vllm_node`]: serving });
      const run = aRun({ control, beliefs: [before] });
      expect(await look(run, "forward", never)).toEqual({ type: "looked", left: "gone", alsoGone: [] });
      expect(done.slice(0, 2).sort()).toEqual(["fence of spark-1", "fence of spark-2"]);
      expect(done).toContain(`stop vllm_node on ${left}`);
    }
  });

  test("what cannot be stopped is not verified, and says what is left", async () => {
    const { control } = sparks({ "spark-2/vllm_node": serving }, false);
    const run = aRun({ control, beliefs: [before], timing: { stopDeadlineMs: -1 } });
    expect(await look(run, "forward", never)).toMatchObject({
      type: "failed",
      failure: { code: "stop_unverified", evidence: expect.stringContaining("spark-2: container vllm_node") },
    });
  });

  test("somebody else's port is no sign that it runs", async () => {
    const { control } = sparks({ "spark-1/vllm_node": aView({ portOpen: true }) });
    const run = aRun({ control, beliefs: [before] });
    expect(await look(run, "forward", never)).toMatchObject({ left: "gone" });
  });

  test("a Spark that it ran on and that is away leaves open what runs there, also where the new model does not need it", async () => {
    const { control } = sparks({});
    const away = async (node: Node) => {
      if (node.name === "spark-2") throw unreachable("spark-2");
      return aView();
    };
    const run = aRun({ control: { ...control, look: away }, beliefs: [before] });
    await expect(look(run, "forward", never)).rejects.toMatchObject({ code: "ssh_network" });
  });

  test("sees to the slots that were to make room, and to no others", async () => {
    const beside = aSlot({ name: "beside", nodes: ["spark-1"], port: 8889, container: "beside" });
    const small = aSlot({ name: "small", nodes: ["spark-2"], port: 8890, container: "small" });
    const beliefs = [
      aBelief(aModel({ gpu_memory_utilization: 0.8 }), { slot: "beside" }),
      aBelief(aModel(), { slot: "small", nodes: ["spark-2"] }),
    ];
    const { control, done } = sparks({ "spark-1/vllm_node": serving });
    const topology = aTopology({ slots: [aSlot(), beside, small] });
    const run = aRun({ control, beliefs, topology });
    expect(await look(run, "forward", never)).toEqual({ type: "looked", left: "stays", alsoGone: ["beside"] });
    expect(done).not.toContain("stop small on spark-2");
    expect(done).not.toContain("stop vllm_node on spark-1");
  });
});
