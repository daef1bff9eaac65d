import { describe, expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import { type Place, routeModel } from "../../../lib/gateway/route-model.ts";

const place = (given: Partial<Place>): Place => ({
  slot: "main",
  origin: "http://10.77.0.1:8888",
  open: true,
  served: ["acme/one"],
  aliases: ["one", "acme/one"],
  swap: null,
  ...given,
});
const second = place({
  slot: "second",
  origin: "http://10.77.0.2:8888",
  served: ["acme/two", "lora-two"],
  aliases: ["two"],
});
const swap = { names: ["acme/three", "three"], model: "Three", etaSeconds: 90 };
const keyOf = (name: string) => ({ three: "three", "acme/three": "three" })[name] ?? null;
const route = (name: string | null, places: readonly Place[]) => {
  const { place, rename } = routeModel(name, places, keyOf);
  return [place.slot, rename];
};
function refusal(name: string | null, places: readonly Place[]): Fault {
  try {
    routeModel(name, places, keyOf);
  } catch (error) {
    return error as Fault;
  }
  throw new Error("it was routed");
}

describe("a request for a model goes", () => {
  test.each([
    ["acme/two", "second", null],
    ["lora-two", "second", null],
    ["acme/one", "main", null],
    ["two", "second", "acme/two"],
    ["one", "main", "acme/one"],
    [null, "main", null],
  ])("by the name %s to %s", (name, slot, rename) => {
    expect(route(name, [place({}), second])).toEqual([slot, rename]);
  });

  test("to who serves the name rather than to whose alias it is", () => {
    expect(route("one", [place({}), place({ slot: "other", served: ["one"] })])).toEqual(["other", null]);
  });
});

describe("a request is refused", () => {
  test("for a model of the catalog that is not loaded, with the call that loads it, and not to be asked again", () => {
    const { kind, code, message, members } = refusal("three", [place({})]);

    expect([kind, code]).toEqual(["not_found", "model_not_loaded"]);
    expect(message).toContain("acme/one");
    expect(message).toContain('POST /api/swap {"model":"three"}');
    expect(members).toMatchObject({ should_retry: false, loaded: ["acme/one"], swap: { body: { model: "three" } } });
  });

  test("for a name that nobody knows, without repeating it", () => {
    const { code, message } = refusal("SECRET", [place({})]);

    expect(code).toBe("model_not_loaded");
    expect(message).not.toContain("SECRET");
  });

  test("for the model that is being loaded: come again", () => {
    const loading = place({ open: false, swap });

    expect(refusal("three", [loading])).toMatchObject({ code: "model_loading", members: { retry_after_seconds: 60 } });
    expect(refusal(null, [loading])).toMatchObject({ code: "model_loading" });
  });

  test("for the model that is being unloaded", () => {
    expect(refusal("one", [place({ open: false, swap })])).toMatchObject({
      kind: "unavailable",
      code: "model_unloading",
    });
  });

  test("where the address is not known yet", () => {
    expect(refusal("acme/one", [place({ origin: null })])).toMatchObject({ code: "model_not_loaded" });
  });
});
