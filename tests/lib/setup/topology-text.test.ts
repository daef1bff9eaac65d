import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { SetupEntries } from "../../../lib/setup/settings.ts";
import { editTopology } from "../../../lib/setup/topology-text.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";

const EXAMPLE = await Bun.file(new URL("../../../config/topology.example.yaml", import.meta.url)).text();
const ALICE = { name: "spark-1", host: "10.77.0.11", user: "alice" };
const BOB = { name: "spark-2", host: "10.77.0.12", user: "alice" };

const edit = (text: string, entries: SetupEntries, env: Record<string, string> = {}) => {
  const before = loadTopology({ files: { topology: { name: "topology.yaml", text } }, env }).nodes.map(
    ({ name }) => name,
  );
  return editTopology(text, entries, before, env).text;
};

const unindented = (text: string) => text.split("\n").map((line) => line.trim());

describe("writing entries into topology.yaml", () => {
  test("of an empty file makes one with a comment that says what it is", () => {
    expect(edit("", { nodes: [ALICE] })).toMatch(
      /^# Where the Sparks are\..*\n(\n)?nodes:\n {2}- name: spark-1\n {4}host: 10\.77\.0\.11\n {4}user: alice\n$/,
    );
  });

  test("keeps a file as it is when nothing differs", () => {
    expect(
      edit(EXAMPLE, { nodes: [ALICE, BOB], vllm: { port: 8888, container: "vllm_node", image: "vllm-node" } }),
    ).toBe(EXAMPLE);
  });

  test("keeps comments, the order of keys and keys that are not known here", () => {
    const text = [
      "# mine",
      "nodes:",
      "  - host: old # the rack",
      "    user: 'alice'",
      "    colour: blue # not known",
      "    name: spark-1",
      "settings:",
      "  stall_seconds: 60 # short",
      "  future: [1, 2]",
      "",
    ].join("\n");

    expect(edit(text, { nodes: [ALICE] })).toBe(text.replace("host: old", "host: 10.77.0.11"));
  });

  test("keeps the comments of sections that had nothing else in them", () => {
    const text = "nodes:\n  # - name: spark-1 # rack 2\n  #   host: 10.77.0.9\nslots: # later: two\n";
    const written = edit(text, { nodes: [ALICE], vllm: { port: 9000, container: null, image: null } });

    for (const comment of text.match(/#.*/g) ?? []) expect(written).toContain(comment);
    expect(parse(written)).toMatchObject({ nodes: [ALICE], slots: [{ name: "main", port: 9000 }] });
  });

  test("a blank value removes the key, so that the default holds", () => {
    const text =
      "nodes:\n  - name: spark-1\n    host: a\n    user: alice\n    ssh_port: 2222\n    launch_dir: /opt/x\n";

    expect(parse(edit(text, { nodes: [{ ...ALICE, ssh_port: null, launch_dir: " " }] }))).toEqual({ nodes: [ALICE] });
  });

  test("what the environment says is not written down", () => {
    const env = { SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice" };

    expect(parse(edit("nodes: []\n", { nodes: [ALICE] }, env))).toEqual({ nodes: [] });
    expect(parse(edit("", { nodes: [{ ...ALICE, launch_dir: "/opt/x" }] }, env))).toEqual({
      nodes: [{ name: "spark-1", launch_dir: "/opt/x" }],
    });
  });

  test("the slot main is made only when it says something, and follows the list of Sparks", () => {
    expect(parse(edit("", { nodes: [ALICE], vllm: { port: 8888 } }))).toEqual({ nodes: [ALICE] });
    const made = edit("", { nodes: [ALICE], vllm: { port: 8000 } });
    expect(parse(made).slots).toEqual([{ name: "main", nodes: ["spark-1"], port: 8000 }]);
    expect(parse(edit(made, { nodes: [ALICE, BOB] })).slots).toEqual([
      { name: "main", nodes: ["spark-1", "spark-2"], port: 8000 },
    ]);
    expect(parse(edit(EXAMPLE, { nodes: [ALICE] })).slots[0].nodes).toEqual(["spark-1"]);
  });

  test("a slot main that names no Sparks is over all, and stays without a list", () => {
    const text = "slots:\n  - name: main\n    port: 8899\n";
    for (const before of [text, `nodes:\n  - name: spark-1\n    host: a\n    user: alice\n${text}`])
      expect(parse(edit(before, { nodes: [ALICE, BOB] }))).toEqual({
        nodes: [ALICE, BOB],
        slots: [{ name: "main", port: 8899 }],
      });
  });

  test("a slot over some Sparks stays over these", () => {
    const text = `${edit("", { nodes: [ALICE, BOB] })}slots:\n  - name: main\n    nodes: [spark-2]\n`;

    expect(parse(edit(text, { nodes: [BOB, ALICE] })).slots).toEqual([{ name: "main", nodes: ["spark-2"] }]);
  });

  test.each([
    ["nodes: [", "it is not YAML"],
    ["- a\n", "it is not a mapping"],
    ["nodes: 5\n", '"nodes" is not a list'],
    ["nodes:\n  - hello\n", 'an entry of "nodes" is not a mapping'],
    ["x: &a {name: spark-1}\nnodes:\n  - *a\n", 'an entry of "nodes" is not a mapping'],
  ])("refuses a file that it could not keep: %j", (text, why) => {
    expect(() => edit(text, { nodes: [ALICE] })).toThrow(why);
  });

  test("what was written is read back as it was meant, whatever the file said before", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
    const entry = fc.record({
      host: fc.oneof(label, fc.ipV4(), fc.constantFrom("null.local", "true", "0x1f.example", "1e3.example")),
      user: fc.oneof(label, fc.constantFrom("null", "true", "yes", "_1")),
      ssh_port: maybe(fc.integer({ min: 1, max: 65_535 })),
      address: maybe(fc.ipV4()),
      launch_dir: maybe(fc.constantFrom("~", "~/x", "/opt/y", "~/null")),
      ib_if: maybe(fc.constantFrom("rocep1s0f1", "a,b")),
    });
    const list = fc.uniqueArray(entry, { minLength: 1, maxLength: 3, selector: ({ host }) => host });
    const named = list.map((nodes) => nodes.map((node, index) => ({ name: `spark-${index + 1}`, ...node })));
    const before = fc.constantFrom(
      "",
      EXAMPLE,
      "nodes: []\n",
      "# only this\n",
      "nodes:\nslots:\n",
      "{nodes: [{host: a, user: b}]}",
    );
    fc.assert(
      fc.property(before, named, fc.integer({ min: 1, max: 65_535 }), (text, nodes, port) => {
        const written = edit(text, { nodes, vllm: { port } });
        const { nodes: read, slots } = loadTopology({ files: { topology: { name: "t", text: written } }, env: {} });
        expect(read).toEqual(
          nodes.map((node) => ({
            status: "configured",
            ...node,
            ssh_port: node.ssh_port ?? 22,
            launch_dir: node.launch_dir ?? "~/spark-vllm-docker",
            eth_if: null,
          })),
        );
        expect(slots).toMatchObject([{ name: "main", nodes: nodes.map(({ name }) => name), port }]);
        // The library may indent a comment anew when what stood beside it has gone; it never loses one.
        const again = edit(written, { nodes, vllm: { port } });
        expect(unindented(again)).toEqual(unindented(written));
      }),
      { numRuns: 200 },
    );
  });
});
