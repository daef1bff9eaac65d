import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { failureOf, gatherFacts, targetOf } from "../../../lib/swap/facts.ts";
import { aBelief, aModel, aNode, aServingView, aSlot, aTopology, aView, someSparks, unreachable } from "./_fixtures.ts";
import { gather, type Scene } from "./_gather.ts";

const qwen = aModel();
const glm = aModel({ key: "glm", name: "GLM 4.5 Air", gpu_memory_utilization: 0.6 });

describe("the nodes of a swap", () => {
  test("are the first ones of its slot, head first", () => {
    const names = (nodes: number) => targetOf(aTopology(), aModel({ nodes }), aSlot()).nodes.map(({ name }) => name);

    expect(names(1)).toEqual(["spark-1"]);
    expect(names(2)).toEqual(["spark-1", "spark-2"]);
  });

  test("are refused when the slot has too few", () => {
    const slot = aSlot({ nodes: ["spark-1"] });

    expect(() => targetOf(aTopology(), aModel({ nodes: 2 }), slot)).toThrow(
      expect.objectContaining({ kind: "invalid", code: "too_few_nodes" }),
    );
  });

  test("are refused when one of them is misconfigured", () => {
    const topology = aTopology({
      nodes: [{ status: "misconfigured", name: "spark-1", reason: "no user" }, aNode("spark-2")],
    });

    expect(() => targetOf(topology, qwen, aSlot())).toThrow(
      expect.objectContaining({ kind: "unavailable", code: "not_configured" }),
    );
  });
});

describe("an idle cluster", () => {
  test("has views of every node of the slot, no occupant and nothing in the way", async () => {
    const facts = await gather({});

    expect([...facts.views.keys()]).toEqual(["spark-1", "spark-2"]);
    expect(facts).toMatchObject({ occupants: [], blockers: [], script: "#!/bin/bash\n" });
    expect(facts.unreachable.size).toBe(0);
  });
});

describe("what runs", () => {
  const serving = { "spark-1/vllm_node": aServingView("/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen3-14B") };

  test("and was loaded from here is known as its model", async () => {
    const { occupants } = await gather({ views: serving, beliefs: [aBelief(glm)] });

    expect(occupants).toMatchObject([{ slot: { name: "main" }, model: glm, name: "GLM 4.5 Air", nodes: ["spark-1"] }]);
  });

  test("and was started by hand is called by what it serves", async () => {
    const { occupants, blockers } = await gather({ views: serving });

    expect(occupants).toMatchObject([{ model: null, name: "Qwen/Qwen3-14B", nodes: ["spark-1"] }]);
    expect(blockers).toEqual([]);
  });

  test("without a command line that tells it is an unknown model", async () => {
    const { occupants } = await gather({ views: { "spark-1/vllm_node": aServingView("VLLM::EngineCore") } });

    expect(occupants).toMatchObject([{ model: null, name: "An unknown model" }]);
  });

  test("only on the worker is found as well", async () => {
    const { occupants } = await gather({ views: { "spark-2/vllm_node": aServingView("VLLM::Worker_TP1") } });

    expect(occupants).toMatchObject([{ nodes: ["spark-2"] }]);
  });

  test("on both Sparks is found on the worker by its container, where its processes have other names", async () => {
    const views = {
      "spark-1/vllm_node": aServingView("vllm serve Qwen/Qwen3-14B"),
      "spark-2/vllm_node": aView({ container: { running: true, image: "vllm-node", startedAt: "" } }),
    };

    const { occupants } = await gather({ views, beliefs: [aBelief(glm, { nodes: ["spark-1", "spark-2"] })] });

    expect(occupants).toMatchObject([{ model: glm, nodes: ["spark-1", "spark-2"] }]);
  });

  test("no more but is believed to: named, so that its memory and the way back are known", async () => {
    const { occupants } = await gather({ beliefs: [aBelief(glm, { nodes: ["spark-1", "spark-2"] })] });

    expect(occupants).toMatchObject([{ model: glm, nodes: ["spark-1", "spark-2"] }]);
  });
});

const COMMAND = "python3 /usr/local/bin/vllm serve Qwen/Qwen3-14B";

describe("memory that a stop gives back", () => {
  const freed = async (scene: Scene) => (await gather(scene)).occupants.map(({ memory }) => memory);

  test("is the share of the model that is known to run", async () => {
    expect(await freed({ views: { "spark-1/vllm_node": aServingView(COMMAND) }, beliefs: [aBelief(glm)] })).toEqual([
      0.6,
    ]);
  });

  test.each([
    [`${COMMAND} --gpu-memory-utilization 0.7 --port 8888`, 0.7],
    [`${COMMAND} --gpu-memory-utilization=0.35`, 0.35],
    [`${COMMAND} --gpu_memory_utilization 0.8`, 0.8],
    [COMMAND, 0.9],
  ])("is what the command line of an unknown model says, else vLLM's default: %s", async (line, share) => {
    expect(await freed({ views: { "spark-1/vllm_node": aServingView(line) } })).toEqual([share]);
  });

  test("is what the command line says when somebody has replaced by hand what is believed to run", async () => {
    const other = aServingView("vllm serve acme/other --gpu-memory-utilization 0.3");

    const { occupants } = await gather({ views: { "spark-1/vllm_node": other }, beliefs: [aBelief(glm)] });

    expect(occupants).toMatchObject([{ model: null, name: "acme/other", memory: 0.3 }]);
  });

  test("is none of a model that is believed to run and does not", async () => {
    expect(await freed({ beliefs: [aBelief(glm)] })).toEqual([0]);
  });
});

describe("another slot on the same node", () => {
  const second = aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "second" });
  const elsewhere = aSlot({ name: "third", nodes: ["spark-2"], port: 8890, container: "third" });
  const topology = aTopology({ slots: [aSlot({ nodes: ["spark-1"] }), second, elsewhere] });
  const inSecond = aServingView(COMMAND, { memory: { totalBytes: 100, availableBytes: 50 } });

  test("stays when there is room for both", async () => {
    const beliefs = [aBelief(aModel({ gpu_memory_utilization: 0.4 }), { slot: "second" })];

    const { occupants } = await gather({ topology, beliefs, views: { "spark-1/second": inSecond } });

    expect(occupants).toEqual([]);
  });

  test("has to stop when both claim more memory than there is", async () => {
    const beliefs = [aBelief(glm, { slot: "second" })];

    const { occupants } = await gather({ topology, beliefs, views: { "spark-1/second": inSecond } });

    expect(occupants).toMatchObject([{ slot: { name: "second" }, model: glm }]);
  });

  test("has to stop when what runs there is unknown", async () => {
    const { occupants } = await gather({ topology, views: { "spark-1/second": inSecond } });

    expect(occupants).toMatchObject([{ slot: { name: "second" }, model: null, name: "Qwen/Qwen3-14B" }]);
  });

  test("with the same container name keeps what is known to be its own", async () => {
    const alike = aTopology({ slots: [aSlot(), aSlot({ name: "second", nodes: ["spark-2"] })] });
    const beliefs = [aBelief(glm, { slot: "second", nodes: ["spark-2"] })];
    const views = { "spark-2/vllm_node": aServingView(COMMAND) };

    const solo = await gather({ topology: alike, beliefs, views });
    const wide = await gather({ topology: alike, beliefs, views, model: aModel({ nodes: 2 }) });

    expect(solo.occupants).toEqual([]);
    expect(wide.occupants).toMatchObject([{ slot: { name: "second" }, model: glm, nodes: ["spark-2"] }]);
  });

  test("is not even looked at on nodes that are not shared", async () => {
    const looked: string[] = [];
    await gather({
      topology,
      control: {
        look: (node, place) => {
          looked.push(`${node.name}/${place.container}`);
          return Promise.resolve(aView());
        },
      },
    });

    expect(looked.sort()).toEqual(["spark-1/second", "spark-1/vllm_node"]);
  });
});

describe("a node that does not answer", () => {
  test("is told with its reason, and the others are asked all the same", async () => {
    const facts = await gather({
      model: aModel({ nodes: 2 }),
      control: {
        look: (node) => (node.name === "spark-2" ? Promise.reject(unreachable("spark-2")) : Promise.resolve(aView())),
      },
    });

    expect([...facts.views.keys()]).toEqual(["spark-1"]);
    expect(Object.fromEntries(facts.unreachable)).toEqual({
      "spark-2": {
        code: "ssh_network",
        message: "spark-2: no connection",
        evidence: "connect ETIMEDOUT",
        advice: "Look whether it is on.",
      },
    });
    expect(facts.script).toBe("#!/bin/bash\n");
  });

  test("and that the model does not need is only warned of", async () => {
    const facts = await gather({
      control: {
        look: (node) => (node.name === "spark-2" ? Promise.reject(unreachable("spark-2")) : Promise.resolve(aView())),
      },
    });

    expect(facts.unreachable.size).toBe(0);
    expect(facts.blockers).toEqual([]);
    expect(facts.warnings).toMatchObject([{ code: "node_unreachable", evidence: "connect ETIMEDOUT" }]);
    expect(facts.warnings[0]?.message).toStartWith("spark-2 could not be asked and is left alone");
  });

  test("that falls silent between two questions is told too", async () => {
    const facts = await gather({ control: { hasImage: () => Promise.reject(unreachable("spark-1")) } });

    expect([...facts.unreachable.keys()]).toEqual(["spark-1"]);
    expect(facts.blockers).toEqual([]);
  });

  test("because the asker left: the reason of leaving is thrown", async () => {
    const left = new AbortController();
    const topology = aTopology();
    const control = someSparks({
      look: () => {
        left.abort(new Error("left"));
        return Promise.reject(unreachable("spark-1"));
      },
    });

    const facts = gatherFacts(control, topology, [], targetOf(topology, qwen, aSlot()), left.signal);

    expect(facts).rejects.toThrow("left");
  });
});

describe("a Fault as a failure", () => {
  test("keeps code and message, and what it brought as evidence and advice", () => {
    const fault = new Fault("upstream", "code", "Message.", { evidence: "seen", advice: "try", node: "spark-1" });

    expect(failureOf(fault)).toEqual({ code: "code", message: "Message.", evidence: "seen", advice: "try" });
    expect(failureOf(new Fault("upstream", "code", "Message.", { evidence: 7 }))).toMatchObject({
      evidence: null,
      advice: null,
    });
  });

  test("does not hide any other error", () => {
    expect(() => failureOf(new TypeError("a mistake"))).toThrow(TypeError);
  });
});
