import { describe, expect, test } from "bun:test";
import { readYaml } from "../../../lib/config/yaml-document.ts";

const read = (text: string) => readYaml({ name: "file.yaml", text });
const problem = (line: number | null, path: string, message: string, instead = "Nothing of this file is used.") => ({
  source: "file.yaml",
  line,
  path,
  message,
  instead,
});

describe("a YAML document", () => {
  test("remembers the line of every key and item", () => {
    const document = read("# a comment\nnodes:\n  - name: spark-1\n    host: 10.77.0.11\n  - spark-2\n");

    expect(document.value).toEqual({ nodes: [{ name: "spark-1", host: "10.77.0.11" }, "spark-2"] });
    expect(document.line(["nodes"])).toBe(2);
    expect(document.line(["nodes", 0])).toBe(3);
    expect(document.line(["nodes", 0, "host"])).toBe(4);
    expect(document.line(["nodes", 1])).toBe(5);
  });

  test("gives the line of the nearest ancestor for what is missing", () => {
    const document = read("a: 1\nb:\n  c: 2\n");

    expect(document.line(["b", "d", "e"])).toBe(2);
    expect(document.origin(["b", "d"])).toEqual({ source: "file.yaml", line: 2, path: "b.d" });
  });

  test.each(["", "# nothing\n", "---\n", "\ufeff"])("is null without a problem for an empty file %j", (text) => {
    const document = read(text);

    expect(document.value).toBeNull();
    expect(document.problems).toEqual([]);
  });

  test("keeps the first of two equal keys and reports the line of the second", () => {
    const document = read("a: 1\nb: 2\na: 3\n");

    expect(document.value).toEqual({ a: 1, b: 2 });
    expect(document.problems).toEqual([
      problem(3, "a", 'The key "a" appears a second time.', "The first one is used."),
    ]);
  });

  test("expands an alias and knows the lines behind it", () => {
    const document = read("base: &base\n  x: 1\ncopy: *base\n");

    expect(document.value).toEqual({ base: { x: 1 }, copy: { x: 1 } });
    expect(document.line(["copy"])).toBe(3);
    expect(document.line(["copy", "x"])).toBe(2);
  });

  test("treats __proto__ as a key like any other", () => {
    const { value } = read("__proto__:\n  polluted: true\n");

    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect((value as { polluted?: boolean }).polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("makes no dates, bytes or other objects", () => {
    const { value } = read("%YAML 1.1\n---\nday: 2026-01-01\nbytes: !!binary aGk=\n");

    expect(value).toEqual({ day: "2026-01-01", bytes: "aGk=" });
  });
});

describe("the bounds of a YAML document", () => {
  test("1 MiB of text", () => {
    const document = read(`# ${"x".repeat(1024 * 1024)}`);

    expect(document.value).toBeNull();
    expect(document.problems).toEqual([problem(1, "", "The file is larger than 1 MiB.")]);
  });

  test("1 MiB counts bytes, not characters", () => {
    expect(read(`a: ${"€".repeat(400_000)}`).problems).toEqual([problem(1, "", "The file is larger than 1 MiB.")]);
  });

  test.each([
    ["lists in brackets", "[".repeat(500_000)],
    ["lists with dashes", "- ".repeat(200_000)],
    ["complex keys", "? ".repeat(200_000)],
    ["mappings in braces", "{a: ".repeat(200_000)],
  ])("32 levels of nesting, in %s", (_, text) => {
    expect(read(text).problems).toEqual([problem(1, "", "The file is nested more than 32 levels deep.")]);
  });

  test("32 levels are still allowed", () => {
    const document = read(`${"[".repeat(32)}x${"]".repeat(32)}`);

    expect(document.problems).toEqual([]);
    expect(JSON.stringify(document.value)).toBe(`${"[".repeat(32)}"x"${"]".repeat(32)}`);
  });

  test("20,000 values, aliases expanded", () => {
    const document = read(`a: &a [${"x, ".repeat(200)}]\nb: [${"*a, ".repeat(200)}]\n`);

    expect(document.value).toBeNull();
    const message = "The file holds more than 20,000 values once its aliases are expanded.";
    expect(document.problems).toEqual([problem(2, "", message)]);
  });

  test("a file of nothing but values is given up early", () => {
    expect(read(`[${"a,".repeat(500_000)}]`).problems).toEqual([problem(1, "", "The file contains too many values.")]);
  });
});
