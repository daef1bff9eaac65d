import { describe, expect, test } from "bun:test";
import { refusalOf } from "../../../lib/config/field-types.ts";
import { environmentField, environmentList } from "../../../lib/config/fields.ts";
import { showPath } from "../../../lib/config/origin.ts";
import { ServiceFields } from "../../../lib/config/services-schema.ts";
import {
  invalidAllowedHost,
  invalidBranch,
  invalidLine,
  invalidModelName,
  invalidName,
  invalidNetwork,
  invalidOrigin,
} from "../../../lib/config/values.ts";

describe("an environment variable", () => {
  test.each([undefined, "", "   ", "\t", "\n"])("of %j counts as unset", (text) => {
    expect(environmentField({ NAME: text }, "NAME")).toBeUndefined();
  });

  test("loses the spaces around it, but not a line break inside its value", () => {
    expect(environmentField({ NAME: " alice " }, "NAME")?.value).toBe("alice");
    expect(environmentField({ NAME: "alice\n" }, "NAME")?.value).toBe("alice\n");
  });

  test("is a number only where one is wanted and it has digits alone", () => {
    expect(environmentField({ NAME: "8888" }, "NAME", "number")?.value).toBe(8888);
    expect(environmentField({ NAME: "0x22" }, "NAME", "number")?.value).toBe("0x22");
    expect(environmentField({ NAME: "8888" }, "NAME")?.value).toBe("8888");
  });

  test("as a list ignores blank items", () => {
    expect(environmentList({ NAME: "a, b,,c ," }, "NAME")?.value).toEqual(["a", "b", "c"]);
  });
});

test("a choice accepts its words only", () => {
  const { kind } = ServiceFields.properties;

  expect(refusalOf(kind, "asr")).toBeNull();
  expect(refusalOf(kind, "vector")?.reason).toStartWith("must be one of asr, ");
  expect(refusalOf(kind, 5)?.reason).toStartWith("must be one of asr, ");
});

test("a path shows control characters escaped and long keys cut", () => {
  expect(showPath(["models", "a\nb", 0])).toBe("models.a\\nb.0");
  expect(showPath(["x".repeat(200)])).toBe(`${"x".repeat(80)}…`);
});

describe("values", () => {
  test.each([
    [invalidName, ["main", "spark-1", "a.b_c"], ["", "Main", "-x", "a b", "x".repeat(65)]],
    [invalidModelName, ["gpt-oss", "Qwen/Qwen3-8B", "a:latest"], ["", "-x", "a b", "x".repeat(129)]],
    [invalidLine, ["Fast, and good at Ünïcode"], ["", "  ", "a\nb", "a\u0000b", "x".repeat(501)]],
    [invalidAllowedHost, ["spark.example.org", "10.77.0.1"], ["*.example.org", "a b", "", "host:8080"]],
    [
      invalidOrigin,
      ["http://app.local:3000", "https://example.org"],
      ["*", "null", "http://a/", "http://a/b", "ftp://a", "http://A"],
    ],
    [
      invalidNetwork,
      ["10.77.0.1", "10.77.0.0/24", "fd00::/8"],
      ["10.77.0.0/33", "10.77.0.0/", "x", "1.2.3.4/8/8", "fd00::/129"],
    ],
    [invalidBranch, ["main", "feature/x-1"], ["", "-x", "a..b", "a//b", "a.lock", "a/", "a b", "/a"]],
  ] as const)("%p accepts what is fine and refuses the rest", (refuse, fine, refused) => {
    expect(fine.map((text) => refuse(text))).toEqual(fine.map(() => null));
    expect(refused.filter((text) => refuse(text) === null)).toEqual([]);
  });
});
