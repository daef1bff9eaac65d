/** Bodies in chunks, however they are cut into chunks and those into reads. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BadAnswer } from "../../../lib/gateway/answer-head.ts";
import { Chunks } from "../../../lib/gateway/chunks.ts";

/** @returns the body; how many bytes lie behind its end, null where there is none */
function read(reads: readonly Buffer[]): { body: Buffer; behind: number | null } {
  const chunks = new Chunks();
  const pieces: Buffer[] = [];
  for (const [index, bytes] of reads.entries()) {
    // What was read is written over.
    const { piece, end } = chunks.push(Buffer.from(bytes));
    pieces.push(Buffer.from(piece));
    if (end !== -1)
      return {
        body: Buffer.concat(pieces),
        behind: Buffer.concat([bytes.subarray(end), ...reads.slice(index + 1)]).length,
      };
  }
  return { body: Buffer.concat(pieces), behind: null };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length) parts.push(bytes.subarray(at, at + size + 1));
    at += size + 1;
  }
  return parts;
}

test("every body comes out as it was, whatever its chunks and whatever the reads", () => {
  const chunk = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.constantFrom("", ";a=b", " ", ';a="b"'));
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 15 }),
      fc.boolean(),
      fc.constantFrom("", "x-trailer: y\r\n"),
      fc.array(fc.nat({ max: 20 }), { maxLength: 60 }),
      fc.nat({ max: 3 }),
      (parts, isUpper, trailer, sizes, behind) => {
        const framed = parts.flatMap(([bytes, extension]) => {
          const size = bytes.length.toString(16);
          return [
            Buffer.from(`${isUpper ? size.toUpperCase() : `0${size}`}${extension}\r\n`),
            Buffer.from(bytes),
            Buffer.from("\r\n"),
          ];
        });
        const all = Buffer.concat([...framed, Buffer.from(`0\r\n${trailer}\r\n`), Buffer.alloc(behind)]);
        const expected = Buffer.concat(parts.map(([bytes]) => bytes));
        const got = read(cut(all, sizes));
        expect([got.body.toString("hex"), got.behind]).toEqual([expected.toString("hex"), behind]);
      },
    ),
  );
});

test("many small chunks of one read are one piece", () => {
  const { piece } = new Chunks().push(Buffer.from("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n"));

  expect(Buffer.from(piece).toString()).toBe("abcdef");
});

test("does not end before its last line", () => {
  const all = "1\r\na\r\n0\r\n\r\n";
  for (let at = 1; at < all.length; at++)
    expect([at, read([Buffer.from(all.slice(0, at))]).behind]).toEqual([at, null]);
});

describe("is refused:", () => {
  test.each([
    ["a size that is no number", "zz\r\n"],
    ["no size", "\r\n"],
    ["a negative size", "-1\r\n"],
    ["a size with 0x", "0x1\r\na\r\n"],
    ["a size beyond what a number holds", "ffffffffffffff\r\n"],
    ["a chunk that is longer than its size", "1\r\nab\r\n"],
    ["a size that ends with a bare line feed", "1\na\r\n"],
    ["a chunk that ends with a bare line feed", "1\r\na\n"],
    ["an extension without an end", `1;${"a".repeat(10_000)}`],
  ])("%s", (_, text) => {
    expect(() => read([Buffer.from(text)])).toThrow(BadAnswer);
    // And so it is byte by byte.
    expect(() => read([...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toThrow(BadAnswer);
  });
});

test("trailers without end are no answer", () => {
  const chunks = new Chunks();
  chunks.push(Buffer.from("0\r\n"));
  const lines = Buffer.from("x-trailer: y\r\n".repeat(100));
  const push = () => {
    for (let count = 0; count < 100; count++) chunks.push(Buffer.from(lines));
  };

  expect(push).toThrow(BadAnswer);
});
