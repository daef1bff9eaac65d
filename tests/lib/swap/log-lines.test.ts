import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LogLines, type Segment } from "../../../lib/swap/log-lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** All segments of a complete log that arrives in these pieces. */
function read(...pieces: (string | Uint8Array)[]): Segment[] {
  const lines = new LogLines();
  const pushed = pieces.flatMap((piece) => lines.push(typeof piece === "string" ? bytes(piece) : piece));
  return [...pushed, ...lines.end()];
}

const finalTexts = (segments: readonly Segment[]) => segments.filter(({ final }) => final).map(({ text }) => text);

describe("lines", () => {
  test("end at a line feed, and at a carriage return with a line feed", () => {
    expect(finalTexts(read("one\ntwo\r\nthree\n"))).toEqual(["one", "two", "three"]);
  });

  test("that are empty are kept", () => {
    expect(finalTexts(read("one\n\n\r\ntwo\n"))).toEqual(["one", "", "", "two"]);
  });

  test("that do not end come with the end of the log", () => {
    const lines = new LogLines();

    expect(lines.push(bytes("half a li"))).toEqual([]);
    expect(lines.push(bytes("ne"))).toEqual([]);
    expect(lines.end()).toEqual([{ text: "half a line", final: true, end: 11 }]);
    expect(lines.end()).toEqual([]);
  });

  test("come as soon as their end is there", () => {
    const lines = new LogLines();
    lines.push(bytes("one"));

    expect(lines.push(bytes("\ntwo"))).toEqual([{ text: "one", final: true, end: 4 }]);
  });
});

describe("a progress bar", () => {
  test("leaves its last state as a line; the states before it are told as overwritten", () => {
    expect(read("\rshards:  0%\rshards: 50%\rshards: 100%\nnext\n")).toEqual([
      { text: "shards:  0%", final: false, end: 13 },
      { text: "shards: 50%", final: false, end: 25 },
      { text: "shards: 100%", final: true, end: 38 },
      { text: "next", final: true, end: 43 },
    ]);
  });

  test("whose carriage return is the last byte so far waits: it may be the end of a line", () => {
    const lines = new LogLines();

    expect(lines.push(bytes("done\r"))).toEqual([]);
    expect(lines.push(bytes("\n"))).toEqual([{ text: "done", final: true, end: 6 }]);
  });

  test("that is the last of the log ends as a line without its carriage return", () => {
    expect(read("shards: 50%\r")).toEqual([{ text: "shards: 50%", final: true, end: 12 }]);
  });
});

describe("what is not text", () => {
  test("colours, cursor movements and other control characters go", () => {
    const coloured = "\x1b[1;36m(EngineCore pid=7)\x1b[0;0m INFO\x07 \x1b[2K\x1b[?25lready\x1b[0m\n";

    expect(finalTexts(read(coloured))).toEqual(["(EngineCore pid=7) INFO ready"]);
  });

  test("a tab stays, spaces at the end of a line go", () => {
    expect(finalTexts(read("a\tb  \n"))).toEqual(["a\tb"]);
  });

  test("a character split anywhere between two pieces is whole again", () => {
    const text = "Größe █ 模型 🚀";
    const whole = bytes(`${text}\n`);
    for (let at = 0; at <= whole.length; at++)
      expect(finalTexts(read(whole.slice(0, at), whole.slice(at)))).toEqual([text]);
  });

  test("bytes that are no UTF-8 become the replacement character and spoil nothing else", () => {
    const broken = new Uint8Array([...bytes("a"), 0xff, 0xc3, ...bytes("b\nnext\n")]);

    expect(finalTexts(read(broken))).toEqual(["a\ufffd\ufffdb", "next"]);
  });
});

describe("a line that never ends", () => {
  const ENDLESS_BYTES = 4 << 20;
  const PIECE_BYTES = 4_096;
  const MOST_CHARACTERS = 8_200;

  test("is cut into lines of bounded length, as it arrives", () => {
    const lines = new LogLines();
    const seen: Segment[] = [];
    for (let sent = 0; sent < ENDLESS_BYTES; sent += PIECE_BYTES)
      seen.push(...lines.push(bytes("x".repeat(PIECE_BYTES))));

    expect(seen.length).toBeGreaterThan(100);
    expect(Math.max(...seen.map(({ text }) => text.length))).toBeLessThanOrEqual(MOST_CHARACTERS);
  });

  test("that arrives in one piece is cut at the same places, and nothing of it is lost", () => {
    const text = "x".repeat(ENDLESS_BYTES);

    const whole = read(text);

    expect(whole).toEqual(read(...(text.match(new RegExp(`.{${PIECE_BYTES}}`, "g")) ?? [])));
    expect(whole.map((segment) => segment.text.replace(/ …$/, "")).join("")).toBe(text);
    expect(whole[0]?.text).toEndWith(" …");
  });

  test("is never cut within a character", () => {
    const text = `a${"🚀模ö".repeat(4_000)}`;

    expect(
      read(text)
        .map((segment) => segment.text.replace(/ …$/, ""))
        .join(""),
    ).toBe(text);
  });
});

test("property: however a log is cut into pieces, its lines are the same, and each says where it ends", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r", "\r\n", "\x1b[0m", "\x1b[31m", "█", "🚀", " 50%|", "long 模".repeat(3_000)),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }).map((parts) => bytes(parts.join(""))),
      fc.array(fc.nat(600), { maxLength: 12 }),
      (log, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (log.length + 1)), log.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => log.slice(at[index], end));

        const whole = read(log);
        expect(read(...pieces)).toEqual(whole);
        // Read on from the end of any line, the rest is the same.
        const known = whole.filter(({ final }) => final);
        const from = known[(cuts[0] ?? 0) % (known.length || 1)]?.end ?? 0;
        const rest = new LogLines();
        rest.goTo(from);
        expect([...rest.push(log.slice(from)), ...rest.end()]).toEqual(whole.filter(({ end }) => end > from));
      },
    ),
    { numRuns: 2_000 },
  );
});
