/** What a slot really runs against what is believed of it. */
import { describe, expect, test } from "bun:test";
import { differenceOf, ownSightings, type Reality, type Sighting } from "../../../lib/swap/difference.ts";
import { Differences } from "../../../lib/swap/differences.ts";
import { failure } from "../../../lib/swap/failure.ts";
import { type StrangerSighting, strangersAmong } from "../../../lib/swap/strangers.ts";
import { aBelief, aModel, aServingView, aSlot, aView } from "./_fixtures.ts";

const COMMAND = "python3 /usr/local/bin/vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888";
const qwen = aModel();
const both = aModel({ nodes: 2 });
const RUNNING = { running: true, image: "vllm-node", startedAt: "2026-01-01T00:00:00Z" };

const on = (node: string, view = aServingView(COMMAND)): Sighting => ({ node, view });
const empty = (node: string): Sighting => ({ node, view: aView() });
const difference = (given: Partial<Reality>) =>
  differenceOf({ slot: aSlot(), belief: undefined, servedIds: null, sightings: [], strangers: [], ...given });

describe("as believed", () => {
  test.each([
    [
      "a model on the head",
      { belief: aBelief(qwen), servedIds: ["Qwen/Qwen3-14B"], sightings: [on("spark-1"), empty("spark-2")] },
    ],
    ["a slot in which nothing was loaded and nothing runs", { sightings: [empty("spark-1"), empty("spark-2")] }],
    ["Sparks that could not be asked", { belief: aBelief(qwen) }],
    [
      "a worker that shows its container and no vLLM of its own (Ray)",
      {
        belief: aBelief(both, { nodes: ["spark-1", "spark-2"] }),
        servedIds: ["Qwen/Qwen3-14B"],
        sightings: [on("spark-1"), on("spark-2", aView({ container: RUNNING }))],
      },
    ],
    [
      "a server that shows as its shell, itself and a child",
      {
        belief: aBelief(qwen),
        servedIds: ["Qwen/Qwen3-14B"],
        sightings: [
          on("spark-1", aServingView(COMMAND, { vllm: [`bash -c ${COMMAND}`, COMMAND, COMMAND, "VLLM::EngineCore"] })),
        ],
      },
    ],
    [
      "a model that answers slowly: that is for its health, not for what runs",
      { belief: aBelief(qwen), servedIds: null, sightings: [on("spark-1")] },
    ],
  ])("%s", (_, given) => expect(difference(given)).toBeNull());
});

describe("not as believed", () => {
  test.each<[string, Partial<Reality>, string, RegExp]>([
    [
      "another model answers",
      {
        belief: aBelief(qwen),
        servedIds: ["acme/other"],
        sightings: [on("spark-1", aServingView("vllm serve acme/other"))],
      },
      "another_model",
      /lists acme\/other; spark-1: docker top vllm_node shows vllm serve acme\/other/,
    ],
    [
      "the container is gone",
      { belief: aBelief(qwen), sightings: [empty("spark-1")] },
      "container_gone",
      /spark-1: docker inspect vllm_node finds nothing/,
    ],
    [
      "the worker's container has stopped",
      {
        belief: aBelief(both, { nodes: ["spark-1", "spark-2"] }),
        sightings: [on("spark-1"), on("spark-2", aView({ container: { ...RUNNING, running: false } }))],
      },
      "container_gone",
      /spark-2: .* has stopped/,
    ],
    [
      "vLLM has ended, its container runs on",
      { belief: aBelief(qwen), sightings: [on("spark-1", aView({ container: RUNNING }))] },
      "vllm_ended",
      /docker top vllm_node shows no vLLM/,
    ],
    [
      "vLLM runs and does not listen",
      { belief: aBelief(qwen), sightings: [on("spark-1", aServingView(COMMAND, { portOpen: false }))] },
      "port_closed",
      /nobody listens on port 8888/,
    ],
    [
      "a second one on a Spark that this model does not use",
      { belief: aBelief(qwen), servedIds: ["Qwen/Qwen3-14B"], sightings: [on("spark-1"), on("spark-2")] },
      "runs_elsewhere_too",
      /spark-2: docker top/,
    ],
    [
      "two servers in one container",
      {
        belief: aBelief(qwen),
        sightings: [on("spark-1", aServingView(COMMAND, { vllm: [COMMAND, "vllm serve acme/other --port 8889"] }))],
      },
      "several_vllms",
      /spark-1: docker top/,
    ],
    [
      "one that answers was started by hand",
      { servedIds: ["acme/x"], sightings: [on("spark-1")] },
      "by_hand",
      /Qwen3-14B/,
    ],
    [
      "one that loads was started by hand",
      { sightings: [on("spark-1")] },
      "by_hand",
      /docker top vllm_node shows python3/,
    ],
    ["one by hand on a Spark that cannot be asked", { servedIds: ["acme/x"] }, "by_hand", /lists acme\/x/],
  ])("%s", (_, given, code, evidence) => {
    const found = difference(given);

    expect(found?.code).toBe(code);
    expect(found?.evidence).toMatch(evidence);
    expect(found?.advice).toMatch(/\w/);
  });
});

describe("a vLLM outside of every slot", () => {
  const mine: StrangerSighting = {
    node: "spark-1",
    pid: 77,
    model: "acme/other",
    port: 9000,
    container: "mine",
    commandLine: "python3 /usr/local/bin/vllm serve acme/other --port 9000",
  };

  test("is a difference, with how to end it", () => {
    const found = difference({ sightings: [empty("spark-1")], strangers: [mine] });

    expect(found).toMatchObject({
      code: "stranger",
      message:
        "acme/other (container mine, port 9000) runs on spark-1, outside of every slot. It was not started by Spark Control.",
      advice: "A swap does not stop it, and it keeps its memory. To end it, on spark-1: docker stop mine",
    });
    expect(found?.evidence).toBe(
      "spark-1: ps shows process 77: python3 /usr/local/bin/vllm serve acme/other --port 9000",
    );
  });

  test("in no container is ended by its process", () => {
    expect(difference({ strangers: [{ ...mine, container: null }] })?.advice).toEndWith("on spark-1: kill 77");
  });

  test("on the slot's port is told instead of what follows from it", () => {
    const here = { ...mine, port: 8888 };
    const seen = { servedIds: ["acme/other"], sightings: [on("spark-1", aView({ portOpen: true }))] };

    expect(difference({ ...seen, strangers: [here] })?.code).toBe("stranger");
    expect(difference({ ...seen, belief: aBelief(qwen), strangers: [here] })?.code).toBe("stranger");
  });

  test("beside what the slot's own container shows comes second", () => {
    expect(difference({ sightings: [on("spark-1")], strangers: [mine] })?.code).toBe("by_hand");
    expect(difference({ belief: aBelief(qwen), sightings: [empty("spark-1")], strangers: [mine] })?.code).toBe(
      "container_gone",
    );
    expect(difference({ belief: aBelief(qwen), sightings: [on("spark-1")], strangers: [mine] })?.code).toBe("stranger");
  });

  test("is none that runs in another slot's container", () => {
    const second = aSlot({ name: "second", nodes: ["spark-1"], container: "second", port: 8889 });
    const { node, ...seen } = mine;
    const views = [
      { node, view: aView({ strangers: [seen, { ...seen, pid: 78, container: "second" }] }) },
      { node, view: aServingView("VLLM::EngineCore", { strangers: [seen] }) },
    ];

    expect(strangersAmong([aSlot(), second], views)).toEqual([mine]);
  });

  test("is none whose container is not known where another slot's container shows it", () => {
    const second = aSlot({ name: "second", nodes: ["spark-1"], container: "second", port: 8889 });
    const seen = { pid: 78, model: "Qwen/Qwen3-14B", port: 8888, container: null, commandLine: COMMAND };
    const views = [
      { node: "spark-1", view: aView({ strangers: [seen] }) },
      { node: "spark-1", view: aServingView(COMMAND) },
    ];

    expect(strangersAmong([aSlot(), second], views)).toEqual([]);
    expect(strangersAmong([aSlot(), second], views.slice(0, 1))).toEqual([{ ...seen, node: "spark-1" }]);
  });
});

test("what answers and was not seen in the slot's container is not said to be stopped by a swap", () => {
  const stops = (given: Partial<Reality>) => /stops it first/.test(difference(given)?.advice ?? "");

  expect(stops({ servedIds: ["acme/x"], sightings: [on("spark-1", aView({ portOpen: true }))] })).toBe(false);
  expect(stops({ servedIds: ["acme/x"], sightings: [on("spark-1")] })).toBe(true);
});

test("what runs in a container that another slot has under the same name is that slot's", () => {
  const second = aSlot({ name: "second", nodes: ["spark-2"] });
  const beliefs = [aBelief(qwen, { slot: "second", nodes: ["spark-2"] })];

  const own = ownSightings(aSlot(), [aSlot(), second], beliefs, [empty("spark-1"), on("spark-2")]);

  expect(own.map(({ node }) => node)).toEqual(["spark-1"]);
});

test("what is left on a Spark that was away may be our own: nobody is said to have started it by hand", () => {
  const beside = { belief: aBelief(qwen), servedIds: ["Qwen/Qwen3-14B"], sightings: [on("spark-1"), on("spark-2")] };
  expect(difference(beside)).toMatchObject({
    message: `A vLLM that is no part of ${qwen.name} runs on spark-2.`,
    advice: expect.stringContaining("left of the model before"),
  });
});

describe("a difference counts", () => {
  const gone = failure("container_gone", "gone", "first look");

  test("once it was seen twice in a row, since the first time, with the newest evidence", () => {
    const differences = new Differences();

    differences.take("main", gone, "T1");
    expect(differences.of("main")).toBeNull();
    differences.take("main", { ...gone, evidence: "second look" }, "T2");

    expect(differences.of("main")).toEqual({ ...gone, evidence: "second look", since: "T1" });
  });

  test("not across a look that found all well, another difference, or a swap", () => {
    const differences = new Differences();
    for (const between of [
      () => differences.take("main", null, "T2"),
      () => differences.take("main", failure("by_hand", "other"), "T2"),
      () => differences.forget("main"),
    ]) {
      differences.take("main", gone, "T1");
      between();
      differences.take("main", gone, "T3");
      expect(differences.of("main")).toBeNull();
      differences.forget("main");
    }
  });
});
