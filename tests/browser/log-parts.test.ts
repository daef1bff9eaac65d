/** What the log view computes by itself, without a browser: which lines are kept, where they stand, which match. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LineBuffer, type LogLine } from "../../public/log/line-buffer.ts";
import { levelOf } from "../../public/log/line-level.ts";
import { LineSearch, pieces } from "../../public/log/line-search.ts";
import { RowTable, rowsOf } from "../../public/log/row-table.ts";

const lines = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    at: "2026-01-01T00:00:00+00:00",
    source: "launch",
    line: `line ${from + index}`,
  }));
const numbers = (of: readonly LogLine[]) => of.map(({ seq }) => seq);

describe("how bad a line says that it is", () => {
  test.each([
    ["(EngineCore pid=1213) ERROR 11-28 21:58:04 [core.py:845] EngineCore failed to start.", "bad"],
    ["(APIServer pid=214) torch.OutOfMemoryError: CUDA out of memory.", "bad"],
    ["ValueError: Free memory on device is less than desired", "bad"],
    ["WARNING 11-28 21:58:04 [gpu.py:12] Your GPU does not report memory clocks", "warn"],
    ["(EngineCore pid=371) INFO 11-28 21:55:10 [core.py:93] Initializing", null],
    ["Errors so far: 0. WARNING is a word too", null],
    ["", null],
  ] as const)("%p is %p", (line, level) => expect(levelOf(line)).toBe(level));
});

describe("the lines that are kept", () => {
  test("are the newest, and what was dropped is counted", () => {
    const buffer = new LineBuffer(5);

    expect(buffer.append(lines(1, 4))).toBe(0);
    expect(buffer.append(lines(3, 7))).toBe(2);
    expect([numbers(buffer.lines), buffer.skipped]).toEqual([[3, 4, 5, 6, 7], 2]);
  });

  test("never have a gap: after one, only what came after it is kept", () => {
    const buffer = new LineBuffer(5);
    buffer.append(lines(1, 3));
    buffer.append(lines(9, 10));

    expect([numbers(buffer.lines), buffer.skipped]).toEqual([[9, 10], 8]);
  });

  test("older ones go in front while there is room, and only where they fit", () => {
    const buffer = new LineBuffer(5);
    buffer.append(lines(8, 9));

    expect(buffer.prepend(lines(3, 5))).toBe(0);
    expect(buffer.prepend(lines(1, 7))).toBe(3);
    expect([numbers(buffer.lines), buffer.skipped]).toEqual([[5, 6, 7, 8, 9], 4]);
  });

  test("whatever comes in whatever order: an unbroken stretch of at most so many", () => {
    const order = fc.array(
      fc.record({ isOlder: fc.boolean(), from: fc.integer({ min: 1, max: 60 }), length: fc.nat(20) }),
    );
    fc.assert(
      fc.property(order, fc.integer({ min: 1, max: 25 }), (steps, most) => {
        const buffer = new LineBuffer(most);
        for (const { isOlder, from, length } of steps) {
          if (isOlder) buffer.prepend(lines(from, from + length));
          else buffer.append(lines(from, from + length));
        }
        expect(buffer.lines.length).toBeLessThanOrEqual(most);
        expect(numbers(buffer.lines)).toEqual(buffer.lines.map((_, index) => buffer.first + index));
        expect(buffer.skipped).toBe(buffer.first - 1);
      }),
    );
  });
});

describe("where lines stand", () => {
  test.each([
    ["", 80, 1],
    ["x".repeat(80), 80, 1],
    ["x".repeat(81), 80, 2],
    ["xyz", 1, 3],
  ])("%p in %p columns takes %p rows", (text, columns, rows) => expect(rowsOf(text, columns)).toBe(rows));

  test("adds up like a plain list of heights, whatever is appended, dropped and corrected", () => {
    const rows = fc.integer({ min: 1, max: 9 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("append" as const), rows: fc.array(rows, { maxLength: 20 }) }),
      fc.record({ kind: fc.constant("drop" as const), count: fc.nat(10) }),
      fc.record({ kind: fc.constant("correct" as const), at: fc.nat(40), rows }),
      fc.record({ kind: fc.constant("replace" as const), rows: fc.array(rows, { maxLength: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step), fc.nat(200), (steps, row) => {
        const table = new RowTable();
        let plain: number[] = [];
        for (const each of steps) {
          if (each.kind === "append") {
            table.append(each.rows);
            plain.push(...each.rows);
          } else if (each.kind === "drop") {
            const count = Math.min(each.count, plain.length);
            const gone = plain.splice(0, count).reduce((sum, it) => sum + it, 0);
            expect(table.dropFirst(count)).toBe(gone);
          } else if (each.kind === "replace") {
            table.replace(each.rows);
            plain = [...each.rows];
          } else if (each.at < plain.length) {
            expect(table.correct(each.at, each.rows)).toBe(each.rows - plain[each.at]!);
            plain[each.at] = each.rows;
          }
        }
        const above = (index: number) => plain.slice(0, index).reduce((sum, it) => sum + it, 0);
        expect([table.length, table.total]).toEqual([plain.length, above(plain.length)]);
        for (const [index, it] of plain.entries())
          expect([table.above(index), table.rows(index)]).toEqual([above(index), it]);
        const covering = plain.findIndex((_, index) => above(index + 1) > row);
        expect(table.at(row)).toBe(covering === -1 ? Math.max(0, plain.length - 1) : covering);
      }),
    );
  });
});

describe("searching", () => {
  test("goes round in both directions, and begins where one looks", () => {
    const search = new LineSearch();
    search.start("LINE 1", lines(1, 12));

    expect(search.count).toBe(4); // 1, 10, 11, 12
    expect([search.step(1, 5), search.place]).toEqual([10, 2]);
    expect([search.step(1, 5), search.step(1, 5), search.step(1, 5)]).toEqual([11, 12, 1]);
    expect([search.step(-1, 5), search.place]).toEqual([12, 4]);
  });

  test("a line that is looked at and matches is the first", () => {
    const search = new LineSearch();
    search.start("line 10", lines(1, 12));

    expect(search.step(1, 10)).toBe(10);
  });

  test("keeps count while lines come and go", () => {
    const search = new LineSearch();
    search.start("line", lines(1, 3));
    search.step(1, 1);
    search.append(lines(4, 5));
    search.dropBefore(3);

    expect([search.count, search.current, search.place]).toEqual([3, null, 0]);
  });

  test("the pieces of a line are the line, and the marked ones are the words", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (text, word) => {
        const found = pieces(text, word.toLowerCase());
        expect(found.map((piece) => piece.text).join("")).toBe(text);
        for (const piece of found) if (piece.isMatch) expect(piece.text.toLowerCase()).toBe(word.toLowerCase());
      }),
    );
    expect(pieces("aXbxa", "x").filter(({ isMatch }) => isMatch)).toHaveLength(2);
  });
});
