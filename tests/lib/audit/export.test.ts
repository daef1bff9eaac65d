import { expect, test } from "bun:test";
import fc from "fast-check";
import type { AuditEntry } from "../../../lib/audit/audit.ts";
import { headOf, lineOf } from "../../../lib/audit/export.ts";

const ENTRY: AuditEntry = {
  id: 7,
  at: "2026-06-15T12:00:00.000+00:00",
  last_at: "2026-06-15T12:00:00.000+00:00",
  via: "api",
  address: "192.168.1.7",
  user_agent: null,
  holder: null,
  action: "startSwap",
  method: "POST",
  path: "/api/swap",
  outcome: "done",
  status: 202,
  code: null,
  details: {},
  request_id: null,
  count: 1,
};

/** RFC 4180, as a reader reads it. */
function cells(line: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < line.length - 2; ) {
    const quoted = /"((?:[^"]|"")*)"[,\r]/y;
    const bare = /([^",\r\n]*)[,\r]/y;
    quoted.lastIndex = bare.lastIndex = at;
    const match = quoted.exec(line) ?? bare.exec(line);
    if (!match) throw new Error(`no cell at ${at} of ${line}`);
    found.push(match[1]!.replaceAll('""', '"'));
    at += match[0].length;
  }
  return found;
}

test("a line has as many cells as the head, whatever is in them, and none is a formula", () => {
  const columns = headOf("csv").trimEnd().split(",");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (agent, model) => {
      const read = cells(lineOf("csv", { ...ENTRY, user_agent: agent, details: { model } }));

      expect(read).toHaveLength(columns.length);
      const shown = read[columns.indexOf("user_agent")]!;
      expect([agent, `'${agent}`]).toContain(shown);
      expect(shown).not.toMatch(/^[=+\-@\t\r]/);
      expect(JSON.parse(read[columns.indexOf("details")]!)).toEqual({ model });
    }),
    { numRuns: 40 },
  );
});

test("a formula is disarmed", () => {
  expect(lineOf("csv", { ...ENTRY, user_agent: '=HYPERLINK("http://x","y")' })).toContain(
    `"'=HYPERLINK(""http://x"",""y"")"`,
  );
});

test("NDJSON is the entry itself, a line each", () => {
  expect(headOf("ndjson")).toBe("");
  const line = lineOf("ndjson", { ...ENTRY, user_agent: "a\nb" });
  expect(line.split("\n")).toHaveLength(2);
  expect(JSON.parse(line)).toEqual({ ...ENTRY, user_agent: "a\nb" });
});
