import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "yaml";
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
