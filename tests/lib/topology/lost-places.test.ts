import { expect, test } from "bun:test";
import { lostPlaces } from "../../../lib/topology/lost-places.ts";
import type { Service, Topology } from "../../../lib/topology/topology.ts";
import { aNode, aSlot, aTopology } from "../swap/_fixtures.ts";

const SERVICE: Service = {
  ...{ name: "small", kind: "vllm", node: "spark-2", host: null, port: 8111, container: "small" },
  ...{ disabled: false, auto_restart: false },
};
const one = aNode("spark-1");
const two = aNode("spark-2");
const before: Topology = {
  ...aTopology({ slots: [aSlot({ nodes: ["spark-1"] })] }),
  nodes: [one, two],
  services: [SERVICE, { ...SERVICE, name: "speech", kind: "asr" }],
};
const main = { slot: "main", nodes: ["spark-1"] };
const small = { slot: null, nodes: ["spark-2"] };

test.each<[string, Partial<Topology>, object[]]>([
  ["nothing is changed", {}, []],
  ["only the login is another", { nodes: [{ ...one, user: "bob", launch_dir: "/opt/x" }, two] }, []],
  ["the slot gains a Spark", { slots: [aSlot({ nodes: ["spark-1", "spark-2"] })] }, []],
  ["the slot is gone", { slots: [] }, [main]],
  ["the slot has another name", { slots: [aSlot({ name: "other", nodes: ["spark-1"] })] }, [main]],
  ["the slot has another port", { slots: [aSlot({ nodes: ["spark-1"], port: 1 })] }, [main]],
  ["the slot has another container", { slots: [aSlot({ nodes: ["spark-1"], container: "x" })] }, [main]],
  ["the slot moves", { slots: [aSlot({ nodes: ["spark-2"] })] }, [main]],
  ["its Spark is another machine", { nodes: [{ ...one, host: "10.77.0.99" }, two] }, [main]],
  ["its Spark has another SSH port", { nodes: [{ ...one, ssh_port: 2222 }, two] }, [main]],
  ["a Spark with a vLLM beside the slots is gone", { nodes: [one] }, [small]],
  [
    "its Spark cannot be used any more",
    { nodes: [{ status: "misconfigured", name: "spark-1", reason: "" }, two] },
    [main],
  ],
])("%s", (_, change, lost) => {
  expect(lostPlaces(before, { ...before, ...change })).toEqual(lost as never);
});

test("where nothing was known, nothing is lost", () => {
  const unusable = { ...before, nodes: [] };

  expect(lostPlaces(unusable, before)).toEqual([]);
});
