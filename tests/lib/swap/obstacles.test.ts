import { describe, expect, test } from "bun:test";
import type { Facts } from "../../../lib/swap/facts.ts";
import { aBelief, aModel, aServingView, aSlot, aTopology, aView } from "./_fixtures.ts";
import { gather } from "./_gather.ts";

const codes = (facts: Facts) => facts.blockers.map(({ code }) => code);

describe("what stands in the way", () => {
  const foreignContainer = aView({ container: { running: true, image: "postgres:16", startedAt: "" } });

  test("a container of somebody else with the slot's name", async () => {
    const facts = await gather({ views: { "spark-1/vllm_node": foreignContainer } });

    expect(facts.blockers).toMatchObject([
      {
        code: "container_name_taken",
        message: "Another container on spark-1 is called vllm_node.",
        evidence: "spark-1: docker inspect vllm_node shows image postgres:16, docker top shows no vLLM",
      },
    ]);
  });

  test("such a container also when it does not run: its name is taken all the same", async () => {
    const stopped = aView({ container: { running: false, image: "postgres:16", startedAt: "" } });

    expect(codes(await gather({ views: { "spark-1/vllm_node": stopped } }))).toEqual(["container_name_taken"]);
  });

  test.each(["vllm-node", "vllm-node:latest", "localhost/vllm-node:latest", "docker.io/library/vllm-node"])(
    "not an empty container of the own image: %s",
    async (image) => {
      const facts = await gather({
        views: { "spark-1/vllm_node": aView({ container: { running: true, image, startedAt: "" } }) },
      });

      expect(facts.blockers).toEqual([]);
    },
  );

  test("not an empty container of the image that the model before had", async () => {
    const view = aView({ container: { running: true, image: "vllm-node:nightly", startedAt: "" } });
    const beliefs = [aBelief(aModel({ image: "vllm-node:nightly" }))];

    expect(codes(await gather({ views: { "spark-1/vllm_node": view }, beliefs }))).toEqual([]);
  });

  test("a program that has the port on the head", async () => {
    const facts = await gather({ views: { "spark-1/vllm_node": aView({ portOpen: true }) } });

    expect(facts.blockers).toMatchObject([
      { code: "port_taken", message: "Another program on spark-1 uses port 8888." },
    ]);
  });

  test("not the port on a worker: only the head listens", async () => {
    expect(codes(await gather({ views: { "spark-2/vllm_node": aView({ portOpen: true }) } }))).toEqual([]);
  });

  test("not the port of a vLLM of another slot that will stop", async () => {
    const topology = aTopology({
      slots: [aSlot({ nodes: ["spark-1"] }), aSlot({ name: "second", nodes: ["spark-1"], container: "second" })],
    });
    const views = { "spark-1/second": aServingView("vllm serve x"), "spark-1/vllm_node": aView({ portOpen: true }) };

    expect(codes(await gather({ topology, views }))).toEqual([]);
  });

  describe("a vLLM outside of every slot", () => {
    const mine = {
      pid: 77,
      model: "acme/other",
      port: 8888,
      container: "mine",
      commandLine: "vllm serve acme/other --port 8888",
    };

    test("that uses the port is named, with how to end it, and told once", async () => {
      const facts = await gather({ views: { "spark-1/vllm_node": aView({ portOpen: true, strangers: [mine] }) } });

      expect(facts.blockers).toMatchObject([
        {
          code: "port_taken",
          message: expect.stringMatching(/^acme\/other \(container mine, port 8888\) uses port 8888 on spark-1/),
          advice: "A swap does not stop it. To end it, on spark-1: docker stop mine",
        },
      ]);
      expect(facts.warnings).toEqual([]);
      expect(facts.occupants).toEqual([]);
    });

    test("that uses another port is a warning, on the Sparks that the model needs", async () => {
      const views = {
        "spark-1/vllm_node": aView({ strangers: [{ ...mine, port: 9000 }] }),
        "spark-2/vllm_node": aView({ strangers: [{ ...mine, port: 9000, container: null }] }),
      };
      const told = async (nodes: number) =>
        (await gather({ views, model: aModel({ nodes }) })).warnings.map(({ code, advice }) => [code, advice]);

      const onHead = "A swap does not stop it, and it keeps its memory. To end it, on spark-1: docker stop mine";
      const onWorker = "A swap does not stop it, and it keeps its memory. To end it, on spark-2: kill 77";
      expect(await told(1)).toEqual([["stranger", onHead]]);
      expect(await told(2)).toEqual([
        ["stranger", onHead],
        ["stranger", onWorker],
      ]);
    });

    test("is none that is another slot's", async () => {
      const topology = aTopology({
        slots: [aSlot({ nodes: ["spark-1"] }), aSlot({ name: "second", nodes: ["spark-1"], container: "mine" })],
      });

      expect(
        (await gather({ topology, views: { "spark-1/vllm_node": aView({ strangers: [mine] }) } })).warnings,
      ).toEqual([]);
    });
  });

  test("a missing launch script", async () => {
    const facts = await gather({ control: { launchScript: () => Promise.resolve(null) } });

    expect(facts.script).toBeNull();
    expect(facts.blockers).toMatchObject([
      { code: "launch_script_missing", evidence: "spark-1: ~/spark-vllm-docker/launch-cluster.sh does not exist" },
    ]);
  });

  test("an image that is missing on the worker", async () => {
    const facts = await gather({
      model: aModel({ nodes: 2, image: "vllm-node:nightly" }),
      control: { hasImage: (node) => Promise.resolve(node.name === "spark-1") },
    });

    expect(facts.blockers).toMatchObject([
      { code: "image_missing", message: "The container image vllm-node:nightly is missing on spark-2." },
    ]);
  });

  test("a full disk, on whichever Spark; one whose df says nothing is no obstacle", async () => {
    const facts = await gather({
      model: aModel({ nodes: 2 }),
      control: { freeDiskKib: (node) => Promise.resolve(node.name === "spark-1" ? null : 12) },
    });

    expect(facts.blockers).toMatchObject([{ code: "disk_full", evidence: "spark-2: df -Pk ~ shows 12 KiB available" }]);
  });

  test("the folder of a local model, which must be on every Spark that the model uses", async () => {
    const facts = await gather({
      model: aModel({ nodes: 2, source: { kind: "local", path: "/models/acme" } }),
      control: { hasFolder: (node) => Promise.resolve(node.name === "spark-1") },
    });

    expect(facts.blockers).toMatchObject([
      { code: "local_model_missing", evidence: "spark-2: /models/acme is not a directory" },
    ]);
  });

  test("script and image are asked for only where they are needed", async () => {
    const asked: string[] = [];
    await gather({
      control: {
        launchScript: (node) => Promise.resolve(`${asked.push(`script ${node.name}`)}`),
        hasImage: (node, image) => Promise.resolve(asked.push(`${image} ${node.name}`) > 0),
      },
    });

    expect(asked).toEqual(["script spark-1", "vllm-node spark-1"]);
  });
});
