import { describe, expect, test } from "bun:test";
import { cleanUp } from "../../../../lib/swap/effects/clean-up.ts";
import type { Node } from "../../../../lib/topology/topology.ts";
import { aModel, aServingView, aView, unreachable } from "../_fixtures.ts";
import { aRun } from "./_run.ts";

const never = new AbortController().signal;

/** Sparks on which the half-started model goes after the second look. */
function sparks() {
  const done: string[] = [];
  let looks = 0;
  const control = {
    killJob: (node: Node, id: string) => Promise.resolve(void done.push(`kill ${id} on ${node.name}`)),
    stopContainer: (node: Node, container: string) =>
      Promise.resolve(void done.push(`stop ${container} on ${node.name}`)),
    look: () => Promise.resolve(++looks > 2 ? aView() : aServingView("vllm serve x")),
  };
  return { control, done };
}

describe("a clean-up", () => {
  test("kills the launcher, stops the container on every Spark of the model, and lets the log keepers go last", async () => {
    const { control, done } = sparks();

    const event = await cleanUp(aRun({ control, order: { model: aModel({ nodes: 2 }) } }), "forward", never);

    expect(event).toEqual({ type: "cleaned" });
    expect(done).toEqual([
      "kill swap-1 on spark-1",
      "stop vllm_node on spark-1",
      "stop vllm_node on spark-2",
      "kill swap-1-log on spark-1",
      "kill swap-1-log on spark-2",
    ]);
  });

  test("of a way back is that of its own launch", async () => {
    const { control, done } = sparks();
    const order = { model: aModel({ nodes: 2 }), previous: aModel({ key: "before" }) };

    await cleanUp(aRun({ control, order }), "rollback", never);

    expect(done[0]).toBe("kill swap-1-back on spark-1");
    expect(done.at(-1)).toBe("kill swap-1-back-log on spark-1");
  });

  test("after which something is left is not verified, and says what", async () => {
    const control = {
      killJob: () => Promise.resolve(),
      stopContainer: () => Promise.resolve(),
      look: () => Promise.resolve(aServingView("vllm serve x")),
    };

    const event = await cleanUp(aRun({ control, timing: { stopDeadlineMs: -1 } }), "forward", never);

    expect(event).toMatchObject({ type: "failed", failure: { code: "clean_up_unverified" } });
    expect(event).toMatchObject({
      failure: {
        evidence: "spark-1: container vllm_node is still there; spark-1: docker top shows vllm serve x",
      },
    });
  });

  test("of a Spark that does not answer is a failure, never taken for done", async () => {
    const control = { killJob: () => Promise.reject(unreachable("spark-1")) };

    await expect(cleanUp(aRun({ control }), "forward", never)).rejects.toMatchObject({ code: "ssh_network" });
  });
});
