import { expect, test } from "bun:test";
import { prepare } from "../../../../lib/swap/effects/prepare.ts";
import { aServingView, aView } from "../_fixtures.ts";
import { aRun } from "./_run.ts";

const never = new AbortController().signal;
const on = (head: ReturnType<typeof aView>, worker = aView()) => ({
  look: (node: { readonly name: string }) => Promise.resolve(node.name === "spark-1" ? head : worker),
});
const serving = aServingView("vllm serve x", { memory: { totalBytes: 128e9, availableBytes: 128e9 } });

test("what was begun by itself stops nothing that somebody has started meanwhile; what is left on a worker is no such thing", async () => {
  const order = { onlyWhereNothingRuns: true };

  expect(await prepare(aRun({ order, control: on(serving) }), "forward", never)).toMatchObject({
    type: "failed",
    failure: { code: "slot_taken", evidence: "spark-1: docker top vllm_node shows vllm serve x" },
  });
  const rank = { ...serving, portOpen: false };
  expect(await prepare(aRun({ order, control: on(aView(), rank) }), "forward", never)).toMatchObject({
    type: "prepared",
  });
  expect(await prepare(aRun({ order, control: on(aView(), serving) }), "forward", never)).toMatchObject({
    type: "failed",
    failure: { code: "slot_taken", evidence: "spark-2: docker top vllm_node shows vllm serve x" },
  });
  expect(await prepare(aRun({ control: on(serving) }), "forward", never)).toMatchObject({ type: "prepared" });
  // The same container as at the death: nobody has started it since.
  const remains = { "spark-1": serving.container?.startedAt ?? "" };
  const left = aRun({ order: { ...order, remains }, control: on(serving) });
  expect(await prepare(left, "forward", never)).toMatchObject({ type: "prepared" });
});
