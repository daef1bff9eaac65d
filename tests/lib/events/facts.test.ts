import { Database } from "bun:sqlite";
import { beforeEach, describe, expect, test } from "bun:test";
import type { HostKeyChanged } from "../../../lib/events/event.ts";
import { lastFact, mayHaveFact, pruneFacts, readFacts, recordFact } from "../../../lib/events/facts.ts";
import { FACTS } from "../../../lib/store/migrations.ts";

const event = (fingerprint: string): HostKeyChanged => ({
  type: "host_key.changed",
  at: "2026-01-01T00:00:00.000+00:00",
  node: "spark-1",
  fingerprint,
  change: "pinned",
});
let db: Database;
beforeEach(() => {
  db = new Database(":memory:", { strict: true });
  for (const sql of FACTS) db.run(sql);
});

describe("facts", () => {
  test("are read back as they were recorded, from a given id on", () => {
    const first = recordFact(db, event("one"));
    const second = recordFact(db, event("two"));

    expect(readFacts(db, 0, 10)).toEqual([first, second]);
    expect(readFacts(db, first.id, 10)).toEqual([second]);
    expect(readFacts(db, 0, 1)).toEqual([first]);
  });

  test("vanish with the transaction they belong to", () => {
    const run = db.transaction(() => {
      recordFact(db, event("one"));
      throw new Error("no");
    });

    expect(run).toThrow("no");
    expect(readFacts(db, 0, 10)).toEqual([]);
  });

  test("that cannot be read hide none of the others", () => {
    const first = recordFact(db, event("one"));
    const { at, type } = event("broken");
    db.run("INSERT INTO event (at, type, json) VALUES (?1, ?2, 'xx'), (?1, 'node.changed', '{')", [at, type]);

    expect(readFacts(db, 0, 10)).toEqual([first]);
    expect(lastFact(db, "host_key.changed", ["node", "spark-1"])).toEqual(event("one"));
    expect(pruneFacts(db, "2027", 0)).toBeGreaterThan(0);
  });

  test("that cannot be read, or say nothing of it, may be the one that is asked for, if they are not too old", () => {
    const at = (day: number) => `2026-01-0${day}T00:00:00.000+00:00`;
    const insert = "INSERT INTO event (at, type, json) VALUES (?1, 'lock.forced', ?2)";
    const asked = (generation: number, day: number) =>
      mayHaveFact(db, "lock.forced", ["$.lock.generation", generation], at(day));
    db.run(insert, [at(1), '{"lock":{"generation":7}}']);
    expect([asked(7, 5), asked(8, 1)]).toEqual([true, false]);

    for (const json of ["xx", "{}"]) {
      db.run(insert, [at(3), json]);
      expect([asked(8, 2), asked(8, 3), asked(8, 4), asked(7, 4)]).toEqual([true, true, false, true]);
      db.run("DELETE FROM event WHERE at = ?1", [at(3)]);
    }
  });
});
