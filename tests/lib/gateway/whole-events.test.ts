/** Events that arrive in pieces: every byte goes on, and what has gone on ends between two events. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WholeEvents } from "../../../lib/gateway/whole-events.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();
const push = (events: WholeEvents, piece: string) => text(events.push(bytes(piece)));

describe("an event", () => {
  test("that comes whole goes on as the same bytes, not as a copy", () => {
    const piece = bytes("data: 1\n\n");

    expect(new WholeEvents().push(piece)[0]).toBe(piece);
  });

  test.each(["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"])("that ends with %j waits for its end, cut anywhere", (end) => {
    const whole = `event: a\ndata: {"n":1}${end}`;
    for (let at = 1; at < whole.length; at++) {
      const events = new WholeEvents();
      const first = push(events, whole.slice(0, at));
      const second = push(events, whole.slice(at));

      expect([at, first, first + second]).toEqual([at, "", whole]);
    }
  });

  test("that has begun behind whole ones waits, those do not", () => {
    const events = new WholeEvents();

    expect(push(events, 'data: 1\n\ndata: 2\n\ndata: {"ha')).toBe("data: 1\n\ndata: 2\n\n");
    expect(text(events.rest())).toBe('data: {"ha');
  });

  test("that is very long goes on in parts, and says so until it has ended", () => {
    const events = new WholeEvents();
    expect(push(events, `data: ${"x".repeat(200_000)}`)).toBe("");
    expect(push(events, "x".repeat(100_000))).toHaveLength(300_006);
    expect([events.isInside, push(events, "more"), events.isInside]).toEqual([true, "more", true]);
    expect([push(events, "\n\n"), events.isInside]).toEqual(["\n\n", false]);
  });
});

test("a comment line goes on at once, though no empty line follows", () => {
  const events = new WholeEvents();

  expect(push(events, ": alive\n")).toBe(": alive\n");
  expect(push(events, "data: 1")).toBe("");
  expect(push(events, ": no comment\n")).toBe("");
});

test("whatever comes in whatever pieces: nothing is lost, changed or out of order, and no half event is out", () => {
  const line = fc.constantFrom("data: 1", 'data: {"a":"b"}', ": c", "event: error", "id: 7", "");
  const end = fc.constantFrom("\n", "\r\n");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, end), { maxLength: 20 }),
      fc.array(fc.nat({ max: 12 }), { maxLength: 30 }),
      (lines, sizes) => {
        const all = lines.flat().join("");
        const events = new WholeEvents();
        let out = "";
        let at = 0;
        for (const size of [...sizes.map((each) => each + 1), all.length]) {
          const piece = all.slice(at, at + size);
          at += piece.length;
          if (piece !== "") out += push(events, piece);
          const isEdge = /(^|\n\n|\n\r\n)$/.test(out);
          // What was let through since the last empty line are comment lines.
          const since = out.split(/\n\r?\n/).at(-1) ?? "";
          expect(isEdge || since.split("\n").every((each) => each === "" || each[0] === ":" || each === "\r")).toBe(
            true,
          );
        }
        expect(out + text(events.rest())).toBe(all);
      },
    ),
  );
});
