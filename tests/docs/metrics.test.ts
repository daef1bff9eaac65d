/** The names in the documentation and in the dashboard for Grafana are the names in `/metrics`. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AppUnderTest, startApp } from "../routes/_app-under-test.ts";

const DOCS = join(import.meta.dir, "../../docs");
/** What prom-client counts of the process by itself. */
const USUAL = /^spark_(process|nodejs)_/;
let under: AppUnderTest;
/** Type of each figure. */
let types: ReadonlyMap<string, string>;

beforeAll(async () => {
  under = await startApp();
  const text = await (await under.call("GET", "/metrics")).text();
  types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
});
afterAll(() => under.close());

const namesIn = (text: string) => [...new Set(text.match(/\bspark_[a-z0-9_]+/g))];
/** A series of a histogram belongs to the histogram. */
const figureOf = (name: string) => {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  return types.get(base) === "histogram" ? base : name;
};

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(join(DOCS, "grafana/spark-control.json"), "utf8")) as { panels: Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== "row");

test("every panel of the Grafana dashboard asks for figures that exist", () => {
  for (const { title, targets = [] } of panels) {
    expect([title, targets.length]).not.toEqual([title, 0]);
    for (const { expr } of targets) {
      expect([title, namesIn(expr).length]).not.toEqual([title, 0]);
      expect([title, namesIn(expr).filter((name) => !types.has(figureOf(name)))]).toEqual([title, []]);
    }
  }
});

test("counters are asked for their rate, histograms for their buckets", () => {
  for (const { targets = [] } of panels)
    for (const { expr } of targets)
      for (const name of namesIn(expr)) {
        const type = types.get(figureOf(name));
        if (type === "counter") expect(expr).toMatch(/\b(rate|increase)\(/);
        if (type === "histogram") expect([expr, name]).toEqual([expr, expect.stringMatching(/_bucket$/)]);
      }
});

test("all of our own figures are in the dashboard and in the documentation, and nothing else is", () => {
  const own = [...types.keys()].filter((name) => !USUAL.test(name)).sort();
  const documented = namesIn(readFileSync(join(DOCS, "METRICS.md"), "utf8"));
  const shown = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr))).map(figureOf);
  const ofOurs = (names: readonly string[]) => [...new Set(names)].filter((name) => !USUAL.test(name)).sort();

  expect(own.length).toBeGreaterThan(15);
  expect(ofOurs(shown)).toEqual(own);
  expect(ofOurs(documented)).toEqual(own);
  expect(documented.filter((name) => USUAL.test(name) && !types.has(name))).toEqual([]);
});

test("names follow Prometheus' conventions", () => {
  for (const [name, type] of types) {
    if (USUAL.test(name)) continue;
    if (type === "counter") expect(name).toEndWith("_total");
    else expect(name).not.toEndWith("_total");
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb)(_|$)/);
  }
});
