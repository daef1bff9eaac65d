/** A log that is read piece by piece: nothing twice, nothing lost, whatever the pieces. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { linesOf, type Mark, pieceOf } from "../../../lib/service/container-log.ts";

const T = "2026-01-31T12:00:00";

test("lines of stdout and stderr are put in the order in which they were written", () => {
  const text = `${T}.000000001Z one\n${T}.000000003Z three\n${T}.000000002Z two\nno time\n`;

  expect(linesOf(text)).toEqual([
    { at: `${T}.000000001Z`, line: "one" },
    { at: `${T}.000000002Z`, line: "two" },
    { at: `${T}.000000003Z`, line: "three" },
  ]);
});

test("podman's times have a zone and fewer digits", () => {
  const text = `${T}.5+01:00 first\n${T}.25+00:00 last\n2026-01-31T11:30:00+00:00 \n`;

  expect(linesOf(text).map(({ line }) => line)).toEqual(["first", "", "last"]);
});

test("of a progress bar the last state is shown, and a line has its bounds", () => {
  expect(linesOf(`${T}Z 1%\r50%\r100%\r\n`)[0]?.line).toBe("100%");
  expect(linesOf(`${T}Z ${"x".repeat(100_000)}\n`)[0]?.line.length).toBe(8_192);
});

test("a reading that begins at the mark brings what is new only, with equal lines of one moment too", () => {
  const first = pieceOf(`${T}.1Z a\n${T}.2Z b\n`, null, 100);
  const second = pieceOf(`${T}.2Z b\n${T}.2Z b\n${T}.3Z c\n`, first.mark, 100);

  expect(first.lines.map(({ line }) => line)).toEqual(["a", "b"]);
  expect(second.lines.map(({ line }) => line)).toEqual(["b", "c"]);
  expect(pieceOf(`${T}.3Z c\n`, second.mark, 100)).toMatchObject({ lines: [], mark: second.mark, gap: false });
});

test("a log that grew faster than it is read says that lines are missing", () => {
  const { mark } = pieceOf(`${T}.1Z a\n`, null, 2);

  expect(pieceOf(`${T}.5Z y\n${T}.6Z z\n`, mark, 2).gap).toBe(true);
  expect(pieceOf(`${T}.1Z a\n${T}.6Z z\n`, mark, 2).gap).toBe(false);
});

test("however it is cut into readings, the log comes out as it was written", () => {
  const entry = fc.record({ step: fc.constantFrom(0, 1, 999, 1_000_000_000), word: fc.constantFrom("a", "b", "c") });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 8 }), (entries, cuts) => {
      let nanos = 0n;
      const log = entries.map(({ step, word }) => {
        nanos += BigInt(step);
        const second = new Date(Date.parse(`${T}Z`) + Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
        return { nanos, text: `${second}.${String(nanos % 1_000_000_000n).padStart(9, "0")}Z ${word}`, word };
      });
      const told: string[] = [];
      let mark: Mark | null = null;
      for (const cut of [...cuts.toSorted((a, b) => a - b), log.length]) {
        const since: string | undefined = mark?.at;
        const sinceNanos = log.find(({ text }) => text.startsWith(`${since} `))?.nanos ?? 0n;
        const seen = log.slice(0, cut).filter((line) => mark === null || line.nanos >= sinceNanos);
        const piece = pieceOf(seen.map(({ text }) => `${text}\n`).join(""), mark, 1_000);
        told.push(...piece.lines.map(({ line }) => line));
        mark = piece.mark;
      }
      expect(told).toEqual(log.map(({ word }) => word));
    }),
    { numRuns: 500 },
  );
});
