import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "yaml";
import { editEntry } from "../../../lib/config/edit-list.ts";
import { type Changes, editMapping } from "../../../lib/config/edit-mapping.ts";

const edit = (text: string, changes: Changes, path = ["settings"]) => editMapping("topology.yaml", text, path, changes);

describe("changing keys of a mapping in a YAML text", () => {
  test("of an empty file makes the mapping", () => {
    expect(edit("", { stall_seconds: 60 })).toBe("settings:\n  stall_seconds: 60\n");
  });

  test("keeps comments, the order of keys, other sections and keys that are not known", () => {
    const text = `# mine
nodes:
  - host: 10.77.0.11 # the rack
settings:
  # of the house
  colour: blue
  # patience
  stall_seconds: 300 # five minutes
  allowed_hosts: [ai.example] # ours
`;
    expect(edit(text, { stall_seconds: 400, load_limit_seconds: 900 })).toBe(
      text.replace("300", "400").replace("# ours\n", "# ours\n  load_limit_seconds: 900\n"),
    );
  });

  test("removes a key, and the mapping with its last one", () => {
    expect(edit("nodes: []\nsettings:\n  stall_seconds: 60\n", { stall_seconds: null })).toBe("nodes: []\n");
    expect(edit("settings:\n  stall_seconds: 60\n  x: 1\n", { stall_seconds: null })).toBe("settings:\n  x: 1\n");
  });

  test("keeps the comment above a section that has become empty: it may be the head of the file", () => {
    const text = "# Ours. Ask Alice before you change it.\nsettings:\n  stall_seconds: 60\n";
    const emptied = edit(text, { stall_seconds: null });
    expect(emptied).toBe("# Ours. Ask Alice before you change it.\nsettings: {}\n");
    expect(edit(emptied, { stall_seconds: 60 })).toBe(text);
  });

  test("keeps the comments of a section that had nothing else in it", () => {
    const text = "# Ours.\nsettings:\n  # Such as:\n  # stall_seconds: 60\n";
    expect(edit(text, { stall_seconds: 30 })).toBe(`${text}  stall_seconds: 30\n`);
    expect(edit("settings: # for nights\nnodes: []\n", { stall_seconds: 30 })).toBe(
      "settings:\n  # for nights\n  stall_seconds: 30\nnodes: []\n",
    );
  });

  test("keeps the comments of a list that had nothing else in it, also when its entry goes again", () => {
    const slots = { key: "slots", first: "main", impliedName: (index: number) => (index === 0 ? "main" : "") };
    const edited = (text: string, values: Changes | null) => editEntry("topology.yaml", text, slots, "main", values);
    const text = "slots:\n  # Such as:\n  # - name: main\nnodes: []\n";
    const made = edited(text, { port: 9000 });
    expect(made).toBe("slots:\n  # Such as:\n  # - name: main\n  - name: main\n    port: 9000\nnodes: []\n");
    for (const comment of text.match(/#.*/g) ?? []) expect(edited(made, null)).toContain(comment);
    expect(edited(edited(made, null), { port: 9000 })).toBe(made);
  });

  test("keeps the comments beside what stays of a list and of a mapping", () => {
    const text = `settings:
  args:
    # asked for by Bob
    - --a # it needs that
    - --b
    - --c # and that
  env:
    A: "1" # as it was
    B: two
`;
    expect(edit(text, { args: ["--a", "--c", "--d"], env: { A: "1", C: 3 } })).toBe(
      text.replace("    - --b\n", "").replace("# and that\n", "# and that\n    - --d\n").replace("B: two", "C: 3"),
    );
    expect(edit(text, { args: ["--a", "--b", "--c"], env: { B: "two", A: "1" } })).toBe(text);
  });

  test("removes a key that stands there twice altogether", () => {
    expect(edit("settings:\n  a: 1\n  b: 2\n  a: 3\n", { a: null })).toBe("settings:\n  b: 2\n");
  });

  const SHARED = "base: &base {a: &a 1, b: 2}\nsettings:\n  a: &x\n    - *a\n  b: 2\nother: [*x, *base]\n";
  test.each([
    ["a value that is meant elsewhere, too", ["settings"], { a: ["y"] }],
    ["a value that is meant elsewhere, removed", ["settings"], { a: null }],
    ["a mapping that is meant elsewhere, too", ["base"], { c: 3 }],
  ] as const)("refuses %s", (_, path, changes) => {
    expect(() => edit(SHARED, changes as Changes, [...path])).toThrow("an alias elsewhere in it means the same");
  });

  test("changes what no alias means in a file that has some", () => {
    expect(edit(SHARED, { b: 4 })).toBe(SHARED.replace("  b: 2", "  b: 4"));
  });

  test("makes mappings on the way, and fills a blank one", () => {
    expect(edit("services:\n", { port: 8001, disabled: true }, ["services", "asr-2"])).toBe(
      "services:\n  asr-2:\n    port: 8001\n    disabled: true\n",
    );
  });

  test.each([
    ["a: [", "it is not YAML"],
    ["- 1\n", "it is not a mapping"],
    ["settings: 5\n", '"settings" is not a mapping'],
  ])("refuses what could not be kept: %j", (text, why) => {
    expect(() => edit(text, { stall_seconds: 60 })).toThrow(why);
  });

  test("property: what is read afterwards is what was said, and the rest as before", () => {
    const key = fc.stringMatching(/^[a-z_]{1,8}$/);
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 }));
    const before = fc.dictionary(key, value, { maxKeys: 5 });
    fc.assert(
      fc.property(before, before, fc.dictionary(key, fc.option(value), { maxKeys: 5 }), (other, present, changes) => {
        const text = JSON.stringify({ ...other, settings: present });
        const wanted = Object.entries({ ...present, ...changes }).filter(([, each]) => each !== null);
        const after = parse(edit(text, changes as Changes)) ?? {};

        expect({ ...after, settings: after.settings ?? {} }).toEqual({
          ...other,
          settings: Object.fromEntries(wanted),
        });
      }),
    );
  });
});
