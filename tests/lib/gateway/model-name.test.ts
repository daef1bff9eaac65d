import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ModelScanner } from "../../../lib/gateway/model-name.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The scanner's answer to a body that comes in pieces of the given size. */
function scan(text: string, pieceBytes = Number.POSITIVE_INFINITY) {
  const all = bytes(text);
  const scanner = new ModelScanner();
  for (let at = 0; at < all.length; at += pieceBytes) {
    const found = scanner.push(all.subarray(at, at + pieceBytes));
    if (found !== "more") return found;
  }
  return "more" as const;
}

describe("the model's name in a body", () => {
  test.each([
    ['{"model":"a"}', "a"],
    ['{"messages":[{"model":"not this"}],"model":"b"}', "b"],
    ['{"x":"\\"model\\":\\"no\\"","model":"c"}', "c"],
    ['{"m\\u006fdel":"d"}', "d"],
    ['  {\n "stream" : true , "model" : "Qwen/Qwen3-14B" ', "Qwen/Qwen3-14B"],
    ['{"n":1,"o":{"model":{}},"model":"é😀"}', "é😀"],
    ['{"model":"a","model":"b"}', "a"],
    ['{"a":"model","model":"e"}', "e"],
  ])("of %s is %s", (text, name) => {
    for (const pieceBytes of [1, 2, 3, 1000]) {
      expect(scan(text, pieceBytes)).toMatchObject({ name });
    }
  });

  test.each([
    "[1]",
    '"model"',
    "null",
    "{}",
    '{"model":5}',
    '{"model":null,"x":1}',
    '{"model":["a"]}',
    '{"a":{"model":"b"}}',
    "model=a",
  ])("of %s is absent", (text) => {
    expect(scan(text)).toBe("absent");
    expect(scan(text, 1)).toBe("absent");
  });

  test("is not known before its last byte", () => {
    expect(scan('{"model":"ab')).toBe("more");
  });

  test("is where it says, in any JSON object, in pieces of any size", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.nat(64),
        fc.nat(3),
        (others, name, size, indent) => {
          const { model: _, ...rest } = others;
          const text = JSON.stringify({ ...rest, model: name, last: rest }, null, indent);
          const found = scan(text, size + 1);

          expect(found).toMatchObject({ name });
          if (typeof found === "string") return;
          expect(new TextDecoder().decode(bytes(text).subarray(found.start, found.end))).toBe(JSON.stringify(name));
        },
      ),
    );
  });
});
