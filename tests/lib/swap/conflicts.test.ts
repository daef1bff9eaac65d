import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { conflicts, type Footprint } from "../../../lib/swap/conflicts.ts";

const one: Footprint = { nodes: ["spark-1"], port: 8888, container: "vllm_node", memory: 0.4 };
const other: Footprint = { nodes: ["spark-1"], port: 8889, container: "vllm_second", memory: 0.4 };

describe("two vLLMs exclude each other", () => {
  test("not when each has its own port, name and share of the memory", () => {
    expect(conflicts(one, other)).toBe(false);
  });

  test("on one node by the port", () => {
    expect(conflicts(one, { ...other, port: 8888 })).toBe(true);
  });

  test("on one node by the container's name", () => {
    expect(conflicts(one, { ...other, container: "vllm_node" })).toBe(true);
  });

  test("on one node by the memory, from more than all of it on", () => {
    expect(conflicts(one, { ...other, memory: 0.6 })).toBe(false);
    expect(conflicts(one, { ...other, memory: 0.61 })).toBe(true);
  });

  test("when one of them claims an unknown share: that counts as all of it", () => {
    expect(conflicts(one, { ...other, memory: null })).toBe(true);
  });

  test("when they share one node of several", () => {
    expect(conflicts({ ...one, nodes: ["spark-1", "spark-2"] }, { ...other, nodes: ["spark-2"], port: 8888 })).toBe(
      true,
    );
  });

  test("never on different nodes", () => {
    expect(conflicts({ ...one, memory: null }, { ...one, nodes: ["spark-2"], memory: null })).toBe(false);
  });
});

const footprint = fc.record({
  nodes: fc.uniqueArray(fc.constantFrom("spark-1", "spark-2", "spark-3"), { maxLength: 3 }),
  port: fc.constantFrom(8888, 8889),
  container: fc.constantFrom("vllm_node", "vllm_second"),
  memory: fc.option(fc.double({ min: 0.01, max: 0.98, noNaN: true })),
});

test("property: a conflict is mutual", () => {
  fc.assert(
    fc.property(footprint, footprint, (a, b) => conflicts(a, b) === conflicts(b, a)),
    { numRuns: 2_000 },
  );
});

test("property: whoever uses a node conflicts with itself", () => {
  fc.assert(fc.property(footprint, (a) => conflicts(a, a) === a.nodes.length > 0));
});
