import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { servedIds, servedName, servesModel } from "../../../lib/swap/served.ts";
import { aModel } from "./_fixtures.ts";

const models = (...data: unknown[]) => ({ status: 200, body: { object: "list", data } });

describe("what /v1/models lists", () => {
  test("are base models: an adapter has a parent", () => {
    const answer = models(
      { id: "Qwen/Qwen3-14B", parent: null },
      { id: "adapter", parent: "Qwen/Qwen3-14B" },
      { id: "old" },
    );

    expect(servedIds(answer)).toEqual(["Qwen/Qwen3-14B", "old"]);
  });

  test("is an empty list when nothing is loaded", () => {
    expect(servedIds(models())).toEqual([]);
  });

  test.each([
    ["no answer", { status: null, body: null }],
    ["an error", { status: 503, body: { data: [{ id: "x" }] } }],
    ["text", { status: 200, body: "<html>" }],
    ["null", { status: 200, body: null }],
    ["something else", { status: 200, body: { data: "x" } }],
  ])("is null for %s", (_what, answer) => {
    expect(servedIds(answer)).toBeNull();
  });

  test("property: any body is read without an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ data: fc.array(fc.jsonValue()) })), (body) => {
        const ids = servedIds({ status: 200, body });
        expect(ids === null || ids.every((id) => typeof id === "string")).toBe(true);
      }),
    );
  });
});

describe("a model is served", () => {
  test("under its served name, else its repository or folder", () => {
    expect(servedName(aModel({ served_name: "qwen" }))).toBe("qwen");
    expect(servedName(aModel())).toBe("Qwen/Qwen3-14B");
    expect(servedName(aModel({ source: { kind: "local", path: "/models/acme" } }))).toBe("/models/acme");
  });

  test("when it is in the list, whatever else is", () => {
    const answer = models({ id: "qwen" }, { id: "Qwen/Qwen3-14B" });

    expect(servesModel(answer, aModel())).toBe(true);
    expect(servesModel(answer, aModel({ served_name: "other" }))).toBe(false);
    expect(servesModel({ status: null, body: null }, aModel())).toBe(false);
  });
});
