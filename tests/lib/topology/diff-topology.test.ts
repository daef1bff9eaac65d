import { expect, test } from "bun:test";
import { diffTopology } from "../../../lib/topology/diff-topology.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";

const load = (text: string) => loadTopology({ files: { topology: { name: "topology.yaml", text } }, env: {} });
const BEFORE = `nodes:
  - { name: a, host: 10.77.0.11, user: alice }
  - { name: b, host: 10.77.0.12, user: alice }
slots:
  - { name: main, nodes: [a] }
  - { name: second, nodes: [b] }
`;

const NOTHING = { nodes: [], slots: [], services: [], settings: false };

test("the same text differs in nothing", () => {
  expect(diffTopology(load(BEFORE), load(BEFORE))).toEqual(NOTHING);
});

test("an unknown key is a problem, not a difference", () => {
  expect(diffTopology(load(BEFORE), load(`${BEFORE}unknown: 1\n`))).toEqual(NOTHING);
});

test("a changed node, a removed slot and changed settings are told apart", () => {
  const after = BEFORE.replace("10.77.0.12", "10.77.0.13").replace("  - { name: second, nodes: [b] }\n", "");

  expect(diffTopology(load(BEFORE), load(`${after}settings: { stall_seconds: 300 }\n`))).toEqual({
    nodes: ["b"],
    slots: ["second"],
    services: [],
    settings: true,
  });
});

test("a node that becomes misconfigured has changed", () => {
  expect(diffTopology(load(BEFORE), load(BEFORE.replace("10.77.0.12", "a b"))).nodes).toEqual(["b"]);
});
