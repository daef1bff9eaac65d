/** What the pages compute by themselves, without a browser: places, memory, lengths of steps, words. */
import { describe, expect, test } from "bun:test";
import { pageFiles } from "../../public/_page-files.ts";
import type { AuditEntry, Model, Schedule, Slot, SparkNode, SwapJob } from "../../public/api.ts";
import { plannedBars, spanOf } from "../../public/day-line.ts";
import { deedOf, doerOf } from "../../public/deeds.ts";
import { foreignOf } from "../../public/foreign.ts";
import { loadingParts, memoryParts } from "../../public/memory-parts.ts";
import { NOT_FOUND, PAGES, type Page, placeOf } from "../../public/pages.ts";
import { barOf, endedSteps, usualSteps } from "../../public/panels/phases.ts";
import { problemWords } from "../../public/problem-words.ts";
import { coveredSlots } from "../../public/reserved-slots.ts";
import { rhythmOf } from "../../public/rhythm.ts";
import type { Service } from "../../public/services/calls.ts";
import { asSlotsSay, countsOf, namesOf } from "../../public/services/words.ts";

const GB = 1e9;
const at = (seconds: number) => new Date(seconds * 1_000).toISOString();

describe("places", () => {
  test("each page is found under its path, with and without a slash at the end", () => {
    for (const page of PAGES as readonly Page[]) {
      const path = page.path.replace(":id", "01a-b");
      expect(placeOf(path)).toEqual({ page, id: page.path.includes(":id") ? "01a-b" : null });
      expect(placeOf(`${path}/`).page).toBe(page);
    }
  });

  test("anything else is a page of its own; an identifier is decoded once", () => {
    expect(placeOf("/activity/a/b").page).toBe(NOT_FOUND);
    expect(placeOf("/Models").page).toBe(NOT_FOUND);
    expect(placeOf("/activity/a%20%3Cb%3E").id).toBe("a <b>");
    expect(placeOf("/activity/%").id).toBe("%");
  });

  test("letters, icons and addresses are used once", () => {
    const rails = (PAGES as readonly Page[]).flatMap(({ rail }) => (rail ? [rail] : []));
    for (const values of [PAGES.map(({ path }) => path), rails.map(({ key }) => key), rails.map(({ icon }) => icon)])
      expect(new Set<string>(values).size).toBe(values.length);
  });

  test("each file shows its own page only, and marks it in the rail", () => {
    const frame = '<title></title><ul data-rail></ul><h1 id="page-title"></h1><main><div data-views></div></main>';

    const files = pageFiles(
      frame,
      (id) => `<p>${id}</p>`,
      (id) => ({ script: `${id}.js`, parts: ["part.js"] }),
    );

    expect(files.map(({ path }) => path)).toEqual([...PAGES.map(({ path }) => path), "*"]);
    const models = files.find(({ path }) => path === "/models")!.html;
    expect(models).toContain("<title>Models · Spark Control</title>");
    expect(models).toContain('<div class="view" data-page="models" data-script="/models.js"><p>models</p></div>');
    expect(models).toContain('<div class="view" data-page="overview" data-script="/overview.js" hidden>');
    expect(models.match(/aria-current="page"/g)).toHaveLength(1);
    expect(files.find(({ path }) => path === "/activity/:id")!.html).toContain(
      'data-nav="activity" aria-current="page"',
    );
  });
});

const node = (over: Partial<SparkNode> = {}): SparkNode => ({
  name: "spark-1",
  state: "reachable",
  host: "10.0.0.1",
  user: "alice",
  reason: null,
  failure: null,
  memory: { total_bytes: 128 * GB, available_bytes: 20 * GB },
  clock_skew_seconds: 0,
  since: null,
  checked_at: at(100),
  ...over,
});
const model = { key: "big", nodes: 2, size_gb: 120, gpu_memory_utilization: 0.75 } as Model;
const slot = { name: "main", nodes: ["spark-1", "spark-2"], state: "serving", model: "big", since: at(50) } as Slot;
const parts = (of: ReturnType<typeof memoryParts>) => of.map(({ kind, bytes }) => [kind, Math.round(bytes / GB)]);

describe("the memory of a Spark", () => {
  test("what is served is its share of the weights and the rest of what it claims; the rest is others'", () => {
    expect(parts(memoryParts(node(), { slots: [slot], models: [model] }))).toEqual([
      ["model", 60],
      ["ctx", 36],
      ["other", 12],
      ["free", 20],
    ]);
  });

  test("parts never add up to more than is in use", () => {
    const seen = node({ memory: { total_bytes: 128 * GB, available_bytes: 90 * GB } });

    expect(parts(memoryParts(seen, { slots: [slot], models: [model] }))).toEqual([
      ["model", 38],
      ["other", 0],
      ["free", 90],
    ]);
  });

  test("a look from before the model was there says nothing about it", () => {
    const early = node({ checked_at: at(40) });

    expect(parts(memoryParts(early, { slots: [slot], models: [model] }))).toEqual([
      ["other", 108],
      ["free", 20],
    ]);
  });

  test("while it loads, what was measured before the launch is not taken for the new model", () => {
    const job = {
      nodes: ["spark-1", "spark-2"],
      phase: "weights",
      progress: 0.5,
      phases: [{ name: "launching", started_at: at(120), ended_at: at(121) }],
    } as unknown as SwapJob;

    expect(parts(loadingParts(node(), job, model))).toEqual([
      ["todo", 96],
      ["free", 32],
    ]);
    const later = node({ checked_at: at(130), memory: { total_bytes: 128 * GB, available_bytes: 70 * GB } });
    expect(parts(loadingParts(later, job, model))).toEqual([
      ["model", 48],
      ["todo", 48],
      ["other", 10],
      ["free", 22],
    ]);
  });
});

const job = (over: Partial<SwapJob>): SwapJob =>
  ({
    model: "big",
    state: "ready",
    leg: "forward",
    ended_at: at(100),
    updated_at: at(100),
    phases: [],
    ...over,
  }) as SwapJob;
const span = (name: string, from: number, to: number) => ({ name, started_at: at(from), ended_at: at(to) });

describe("the steps of past swaps", () => {
  test("usual lengths are the middle of that model's loads; without any, shares of the whole", () => {
    const load = (seconds: number) => job({ phases: [span("weights", 0, seconds)] });
    const past = [load(10), load(30), load(20), job({ model: "other", phases: [span("weights", 0, 999)] })];

    expect(usualSteps("big", past, null)["Load weights"]).toBe(20);
    const guessed = usualSteps("new", past, 100);
    expect(Object.values(guessed).reduce((sum, each) => sum + each, 0)).toBeCloseTo(100);
  });

  test("a failed swap ends with the step that failed; its bar has no part that did not happen", () => {
    const failed = job({
      state: "failed",
      phases: [span("checking", 0, 1), span("stopping", 1, 5), span("weights", 5, 25)],
    });

    expect(endedSteps(failed).map(({ name, state }) => [name, state])).toEqual([
      ["Check", "done"],
      ["Stop", "done"],
      ["Load weights", "failed"],
    ]);
    expect(barOf(failed)).toEqual([
      { kind: "drain", seconds: 5 },
      { kind: "load", seconds: 20 },
      { kind: "warm", seconds: 0 },
    ]);
  });
});

test("the other controller of a Spark is read from the evidence, and from nothing else", () => {
  const instance = "01a21fb3-00c0-7396-871f-509c2806e55a";
  const evidence = `spark-1: ~/.spark-control/instance is ${instance}`;
  const failure = { code: "other_controller", message: "", advice: null, evidence };

  expect(foreignOf(failure)).toEqual({ node: "spark-1", instance });
  expect(foreignOf({ ...failure, code: "image_missing" })).toBeNull();
  expect(foreignOf({ ...failure, evidence: "spark-1: nothing is there" })).toBeNull();
  expect(foreignOf(null)).toBeNull();
});

test("simple rhythms are told in words, others as they were written", () => {
  expect(rhythmOf("0 18 * * *", "UTC")).toBe("every day at 18:00 (UTC)");
  expect(rhythmOf("5 6 * * 1-5", "UTC")).toBe("on weekdays at 06:05 (UTC)");
  expect(rhythmOf("30 6 * * 7", "Europe/Berlin")).toBe("every Sunday at 06:30 (Europe/Berlin)");
  for (const cron of ["*/5 * * * *", "0 18 1 * *", "0 18 * 6 *", "0 18 * * 1,3", "0 18 * * MON", "0 0 18 * * *"])
    expect(rhythmOf(cron, "UTC")).toBe(`again and again (${cron}, UTC)`);
});

describe("the audit log in words", () => {
  const entry = (over: Partial<AuditEntry>): AuditEntry => ({
    id: 1,
    at: at(0),
    last_at: at(0),
    via: "api",
    address: "10.0.0.7",
    user_agent: "nightly-batch/1.0",
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
    ...over,
  });
  const said = (over: Partial<AuditEntry>) => deedOf(entry(over), (key) => key.toUpperCase());

  test("says what was asked for, of which model, of which Spark, and why", () => {
    expect(said({ details: { model: "big" } })).toBe("Asked to swap to BIG");
    expect(said({ action: "swap.ended", details: { model: "big", state: "failed", rolled_back_to: "old" } })).toBe(
      "The swap to BIG failed; OLD is back",
    );
    expect(said({ action: "takeOverNode", path: "/api/nodes/spark-1/take-over" })).toBe("Took over spark-1");
    expect(said({ action: "releaseLock", holder: "Bob", details: { force: "true", reason: "a demo" } })).toBe(
      "Took the GPUs from Bob: “a demo”",
    );
    expect(said({ action: "restartService" })).toBe("Restart service");
  });

  test("names the holder, else the program, and never takes who lost the GPUs for who took them", () => {
    expect(doerOf(entry({}))).toBe("nightly-batch, 10.0.0.7");
    expect(doerOf(entry({ holder: "Alice" }))).toBe("Alice, 10.0.0.7");
    expect(doerOf(entry({ via: "dashboard", holder: "Bob", details: { force: "true" } }))).toBe("Dashboard, 10.0.0.7");
    expect(doerOf(entry({ via: "controller", address: null }))).toBe("Spark Control");
  });
});

describe("the line of the next 24 hours", () => {
  const start = Date.parse("2026-01-05T14:00:00Z");
  const hour = (hours: number) => new Date(start + hours * 3_600_000).toISOString();
  const run = (id: string, from: number, to: number | null) => ({
    entry_id: id,
    title: id,
    owner: "crm",
    model: null,
    slot: null,
    starts_at: hour(from),
    ends_at: to === null ? null : hour(to),
  });
  const schedule = (...runs: ReturnType<typeof run>[]) =>
    ({ runs, warnings: [{ kind: "overlap", entries: ["b", "c"], at: null, message: "" }] }) as unknown as Schedule;

  test("a span is cut to what the line shows, and is nothing outside of it", () => {
    expect(spanOf(start, hour(-2), hour(3))).toEqual({ from: 0, to: 3 });
    expect(spanOf(start, hour(20), hour(40))).toEqual({ from: 20, to: 24 });
    expect(spanOf(start, hour(-3), hour(-1))).toBeNull();
    expect(spanOf(start, hour(24), hour(25))).toBeNull();
  });

  test("bars whose labels would meet stand in different rows; one without room is left to the list", () => {
    const bars = plannedBars(
      start,
      schedule(run("a", 1, 2), run("b", 2, 3), run("c", 3, 4), run("d", 3.5, 4), run("e", 20, null)),
    );

    expect(bars.map(({ run: { entry_id: id }, row, before, clashes }) => [id, row, before, clashes])).toEqual([
      ["a", 0, false, false],
      ["b", 1, false, true],
      ["c", 2, false, true],
      ["e", 0, true, false],
    ]);
    expect(bars.at(-1)).toMatchObject({ from: 20, to: 20.5 });
  });
});

test("a reservation covers its slots and those that share a Spark with them, as the server's gate has it", () => {
  const slots = [
    { name: "first", nodes: ["spark-1"] },
    { name: "second", nodes: ["spark-2"] },
    { name: "both", nodes: ["spark-1", "spark-2"] },
  ];
  const covered = (names: string[] | null, nodes: string[] | null) => coveredSlots({ slots: names, nodes }, slots);
  expect(covered(null, null)).toEqual(["first", "second", "both"]);
  expect(covered(["first"], ["spark-1"])).toEqual(["first", "both"]);
  expect(covered(["both"], ["spark-1", "spark-2"])).toEqual(["first", "second", "both"]);
  // What was reserved stays reserved, whatever has become of the slot since: renamed, or moved to another Spark.
  expect(covered(["gone"], ["spark-1"])).toEqual(["first", "both"]);
  expect(covered(["first"], ["spark-2"])).toEqual(["first", "second", "both"]);
  expect(covered(["gone"], ["spark-3"])).toEqual([]);
});

test("what could not be used: settings, data, or both", () => {
  const words = (...sources: string[]) => problemWords(sources.map((source) => ({ source })));
  expect(words("topology.yaml")).toBe("One setting could not be used.");
  expect(words("topology.yaml", "environment")).toBe("2 settings could not be used.");
  expect(words("telemetry.db")).toBe("Spark Control could not read a file of its data.");
  expect(words("telemetry.db", "facts.db")).toBe("Spark Control could not read 2 files of its data.");
  expect(words("telemetry.db", "hosts.json")).toBe(
    "One setting could not be used, and Spark Control could not read a file of its data.",
  );
});

describe("services beside the slots", () => {
  const service = (name: string, more: object) =>
    ({
      name,
      kind: "vllm",
      is_slot: true,
      state: "healthy",
      since: at(0),
      checked_at: at(60),
      reason: null,
      ...more,
    }) as Service;
  const slot = (state: Slot["state"], difference: Slot["difference"] = null) =>
    ({ name: "main", state, difference }) as Slot;

  test("one whose model does not answer is not called healthy, whatever is yet to be looked at twice", () => {
    const all = [service("main", {}), service("kokoro", { kind: "tts", is_slot: false })];
    const message = "The port is closed.";
    const down = slot("not_answering", { since: at(30), message, evidence: null, advice: null } as Slot["difference"]);

    expect(asSlotsSay(all, [slot("serving")])).toEqual(all);
    expect(asSlotsSay(all, [down])).toEqual([
      service("main", { state: "unhealthy", since: at(30), reason: message }),
      service("kokoro", { kind: "tts", is_slot: false }),
    ]);
    expect(asSlotsSay(all, [slot("not_answering")])[0]).toMatchObject({ state: "unhealthy", since: at(60) });
    expect(countsOf(asSlotsSay(all, [down]))).toBe("1 healthy, 1 unhealthy");
  });

  test("a busy one stays busy, and a service that has the name of a slot is none", () => {
    const busy = [service("main", { state: "busy" })];
    expect(asSlotsSay(busy, [slot("not_answering")])).toEqual(busy);
    const other = [service("main", { is_slot: false })];
    expect(asSlotsSay(other, [slot("not_answering")])).toEqual(other);
  });

  test("what it is for comes first, its name second; a bot and a web service are known by their name", () => {
    expect(namesOf({ name: "kokoro", kind: "tts" })).toEqual(["Speech", "kokoro"]);
    expect(namesOf({ name: "matrix-bridge", kind: "bot" })).toEqual(["matrix-bridge", "bot"]);
    expect(namesOf({ name: "redaction", kind: "http" })).toEqual(["redaction", "web service"]);
  });
});
