import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openStore } from "../../../lib/store/store.ts";
import { LOAD_PHASES } from "../../../lib/swap/phases.ts";
import { type PhaseSpan, SETTLED, type SwapState } from "../../../lib/swap/swap.ts";
import { phaseSeconds, SwapStore } from "../../../lib/swap/swap-store.ts";
import { aBelief, aJob, aLoad, aModel, aRecord } from "./_fixtures.ts";

/** A store in a folder of its own; `reopen` is what a restart of the process does. */
class Opened implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "spark-swap-store-"));
  #opened = openStore(this.folder);
  swaps = new SwapStore(this.#opened.facts);

  reopen(): void {
    this.#opened.close();
    this.#opened = openStore(this.folder);
    this.swaps = new SwapStore(this.#opened.facts);
  }

  /** Another connection to the same file, which does not wait. */
  other(): Database {
    const db = new Database(join(this.folder, "facts.db"), { strict: true });
    db.run("PRAGMA busy_timeout = 0");
    return db;
  }

  /** As a damaged disk would. */
  edit(sql: string): void {
    using other = this.other();
    other.run(sql);
  }

  [Symbol.dispose](): void {
    this.#opened.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const ids = (records: readonly { readonly job: { readonly job_id: string } }[]) => records.map(({ job }) => job.job_id);
const second = (at: number) => `2026-01-01T00:00:${String(at).padStart(2, "0")}.000+00:00`;

describe("a record", () => {
  test("comes back as it was saved, also after a restart", () => {
    using opened = new Opened();
    const record = aRecord({ state: "loading", phase: "weights" });

    opened.swaps.save(record);
    opened.reopen();

    expect(opened.swaps.find("job-1")).toEqual(record);
    expect(opened.swaps.find("job-2")).toBeNull();
  });

  test("saved again takes the place of the one before", () => {
    using opened = new Opened();
    opened.swaps.save(aRecord());

    opened.swaps.save(aRecord({ state: "ready", ended_at: second(9) }));

    expect(opened.swaps.list(10).map(({ job }) => job.state)).toEqual(["ready"]);
  });

  test("is listed by time, newest first, as many as asked for", () => {
    using opened = new Opened();
    for (const at of [2, 1, 3]) opened.swaps.save(aRecord({ job_id: `job-${at}`, created_at: second(at) }));

    expect(ids(opened.swaps.list(10))).toEqual(["job-3", "job-2", "job-1"]);
    expect(ids(opened.swaps.list(2))).toEqual(["job-3", "job-2"]);
  });

  test("is unsettled until it has ended, oldest first; an unknown one while it is looked into", () => {
    using opened = new Opened();
    const states: SwapState[] = ["planned", "draining", "stopping", "launching", "loading", "verifying", ...SETTLED];
    states.forEach((state, at) => {
      const ended_at = SETTLED.has(state) ? second(at) : null;
      opened.swaps.save(aRecord({ job_id: state, state, created_at: second(at), ended_at }));
    });
    opened.swaps.save(aRecord({ job_id: "looked-into", state: "unknown", created_at: second(20) }));

    const open = ["planned", "draining", "stopping", "launching", "loading", "verifying"];
    expect(ids(opened.swaps.unsettled())).toEqual([...open, "looked-into"]);
    expect(ids(opened.swaps.unknown())).toEqual(["unknown"]);
  });
});

describe("a claim", () => {
  test("is all or nothing", () => {
    using opened = new Opened();
    const { swaps } = opened;

    expect(() =>
      swaps.claim(() => {
        swaps.nextGeneration();
        swaps.save(aRecord());
        swaps.believe(aBelief(aModel()));
        throw new Error("no");
      }),
    ).toThrow("no");

    expect(swaps.list(10)).toEqual([]);
    expect(swaps.beliefs()).toEqual([]);
    expect(swaps.claim(() => swaps.nextGeneration())).toBe(1);
  });

  test("lets nobody else write between its check and its write", () => {
    using opened = new Opened();
    using other = opened.other();
    const steal = () => other.run("INSERT INTO meta (key, value) VALUES ('stolen', '1')");

    opened.swaps.claim(() => {
      expect(opened.swaps.unsettled()).toEqual([]);
      expect(steal).toThrow("locked");
      opened.swaps.save(aRecord());
    });

    expect(steal).not.toThrow();
  });

  test("gives what was decided", () => {
    using opened = new Opened();

    expect(opened.swaps.claim(() => "decided")).toBe("decided");
  });
});

test("what a Spark has seen beyond all that was given out is none of these data's, whatever the counter goes on at", () => {
  using opened = new Opened();
  const { swaps } = opened;
  const mine = [swaps.nextGeneration(), swaps.nextGeneration()];
  expect(mine.map((each) => swaps.lastGivenOutSince(each))).toEqual([2, 2]);

  swaps.goOnAfterOthers(2);
  expect([swaps.highestGeneration(), swaps.lastGivenOutSince(1)]).toEqual([2, 2]);
  swaps.goOnAfterOthers(3);
  expect(swaps.nextGeneration()).toBe(4);
  swaps.goOnAfterOthers(9);
  expect(swaps.nextGeneration()).toBe(10);
  expect([1, 2, 3, 4, 5, 10].map((each) => swaps.lastGivenOutSince(each))).toEqual([2, 2, 4, 4, 10, 10]);
  // What another controller has given out on a Spark that was taken over tells nothing.
  swaps.goOnAbove(20);
  expect(swaps.lastGivenOutSince(10)).toBe(20);

  opened.edit("UPDATE meta SET value = 'two, four' WHERE key = 'generations_left_at'");
  expect(swaps.lastGivenOutSince(1)).toBe(20);
});

test("a counter of generations that cannot be read goes on from the history", () => {
  using opened = new Opened();
  opened.swaps.save(aRecord({ generation: 7 }));
  opened.swaps.nextGeneration();
  const other = opened.other();
  other.run("UPDATE meta SET value = 'seven' WHERE key = 'generation'");
  other.close();

  expect(opened.swaps.nextGeneration()).toBe(8);
  expect(opened.swaps.nextGeneration()).toBe(9);
});

test("a counter that is damaged goes on above a generation that a swap has raised since its claim", () => {
  using opened = new Opened();
  opened.swaps.save(aRecord({ generation: 7 }));
  opened.swaps.save(aRecord({ generation: 12 }));
  opened.edit("INSERT INTO meta (key, value) VALUES ('generation', 'seven')");

  expect(opened.swaps.nextGeneration()).toBe(13);
});

describe("rows that cannot be read", () => {
  const acquired = (json: string) =>
    `INSERT INTO event (at, type, json) VALUES ('${second(1)}', 'lock.acquired', '${json}')`;

  test("among the events do not keep the counter from being mended: the last one that can be read counts", () => {
    using opened = new Opened();
    opened.edit(acquired('{"lock": {"generation": 41}}'));
    opened.edit(acquired("xx"));

    opened.swaps.mendCounter();

    expect(opened.swaps.nextGeneration()).toBe(42);
  });

  test("of swaps hide none of the others; one that was under way ends, and its generation still counts", () => {
    using opened = new Opened();
    opened.swaps.save(aRecord({ job_id: "broken", generation: 6, model: "qwen3-14b" }));
    opened.swaps.save(aRecord({ job_id: "whole", generation: 5 }));
    opened.edit("UPDATE swap SET document = '{' WHERE job_id = 'broken'");

    expect(opened.swaps.endUnreadable(second(9))).toEqual(["broken"]);

    expect(ids(opened.swaps.unsettled())).toEqual(["whole"]);
    expect(ids(opened.swaps.list(9))).toEqual(["whole"]);
    expect(opened.swaps.find("broken")).toBeNull();
    expect(opened.swaps.endUnreadable(second(9))).toEqual([]);
    opened.swaps.mendCounter();
    expect(opened.swaps.nextGeneration()).toBe(7);
  });

  test("of what is believed to serve count as nothing believed", () => {
    using opened = new Opened();
    opened.swaps.believe(aBelief(aModel()));
    opened.edit("UPDATE slot_belief SET document = 'xx'");

    expect(opened.swaps.beliefs()).toEqual([]);
  });
});

test("property: generations only grow, by one, over any number of restarts", () => {
  using opened = new Opened();
  let last = 0;
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 12 }), (restarts) => {
      for (const restart of restarts) {
        if (restart) opened.reopen();
        const next = opened.swaps.claim(() => opened.swaps.nextGeneration());
        expect(next).toBe(last + 1);
        last = next;
      }
    }),
    { numRuns: 10 },
  );
});

describe("a belief", () => {
  test("is one for each slot, the last one", () => {
    using opened = new Opened();
    opened.swaps.believe(aBelief(aModel({ key: "a" })));
    opened.swaps.believe(aBelief(aModel({ key: "b" }), { slot: "second" }));
    opened.swaps.believe(aBelief(aModel({ key: "c" })));

    expect(
      opened.swaps
        .beliefs()
        .map(({ slot, model }) => [slot, model.key])
        .sort(),
    ).toEqual([
      ["main", "c"],
      ["second", "b"],
    ]);
  });

  test("ends, also one that never was", () => {
    using opened = new Opened();
    opened.swaps.believe(aBelief(aModel()));

    opened.swaps.disbelieve("main");
    opened.swaps.disbelieve("never");

    expect(opened.swaps.beliefs()).toEqual([]);
  });
});

describe("past loads", () => {
  const span = (name: string, from: number, to: number | null): PhaseSpan => ({
    name,
    started_at: second(from),
    ended_at: to === null ? null : second(to),
  });

  test("are the seconds of each phase: launching counts to the containers, verifying to serving", () => {
    const phases = [
      span("planned", 0, 1),
      span("stopping", 1, 5),
      span("launching", 5, 7),
      span("loading", 7, 10),
      span("weights", 10, 30),
      span("graphs", 30, 34),
      span("serving", 34, 35),
      span("verifying", 35, 38),
    ];

    expect(phaseSeconds(aJob({ phases }))).toEqual(aLoad(0, { containers: 5, weights: 20, graphs: 4, serving: 4 }));
  });

  test("do not count a phase that has not ended", () => {
    expect(phaseSeconds(aJob({ phases: [span("weights", 0, null)] }))).toEqual(aLoad(0));
  });

  test("are those of the model that became ready, newest first, as many as asked for", () => {
    using opened = new Opened();
    const save = (id: string, at: number, state: SwapState, model: string) =>
      opened.swaps.save(
        aRecord({ job_id: id, created_at: second(at), state, model, phases: [span("weights", 0, at)] }),
      );
    save("job-1", 1, "ready", "qwen");
    save("job-2", 2, "failed", "qwen");
    save("job-3", 3, "ready", "glm");
    save("job-4", 4, "ready", "qwen");
    save("job-5", 5, "loading", "qwen");
    save("job-6", 6, "ready", "qwen");

    expect(opened.swaps.pastLoads("qwen", 2).map(({ weights }) => weights)).toEqual([6, 4]);
    expect(opened.swaps.pastLoads("qwen", 9).map(({ weights }) => weights)).toEqual([6, 4, 1]);
    expect(Object.keys(opened.swaps.pastLoads("qwen", 1)[0] ?? {})).toEqual([...LOAD_PHASES]);
    expect(opened.swaps.pastLoads("other", 5)).toEqual([]);
  });
});
