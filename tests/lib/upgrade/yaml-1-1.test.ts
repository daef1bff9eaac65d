/** Files that were read as YAML 1.1: they mean the same afterwards, and what was rewritten is told. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { detailOf, earlier, endEach, items, modelsOf, servicesOf, start } from "./_start.ts";

endEach();
const MODELS = "models-overrides.yaml";
const SERVICES = "services-overrides.yaml";
const sure = { "app_settings.json": JSON.stringify({ SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice" }) };

for (const [word, disabled] of [
  ["yes", true],
  ["On", true],
  ["no", false],
  ["OFF", false],
] as const)
  test(`disabled: ${word}`, async () => {
    const text = `services:\n  reranker: { disabled: ${word} }\n  wiki: { kind: http, host: 10.77.0.9, port: 8090, name: y }\n`;
    const from = earlier({ ...sure, [SERVICES]: text });
    const started = await start(from);

    expect(servicesOf(started).reranker).toMatchObject({ disabled });
    expect(items(started.report, "taken")).toContain(`${SERVICES} reranker`);
    expect(detailOf(started.report, "").join()).toContain("services.reranker.disabled");
    expect(detailOf(started.report, "").join()).not.toContain("wiki");
    expect(readFileSync(join(from.dataDir, SERVICES), "utf8")).toContain(`disabled: ${disabled}`);
    expect(readFileSync(join(from.dataDir, "before-upgrade", SERVICES), "utf8")).toBe(text);
  });

test("merge keys: what an entry says itself counts, then the first mapping", async () => {
  const text =
    "base: &base { repo: a/b, nodes: 2, name: Base }\nmore: &more { nodes: 1, port: 8001 }\n" +
    "models:\n  one: { <<: *base, name: One }\n  two:\n    <<: [*base, *more]\n    name: Two\n";
  const started = await start(earlier({ ...sure, [MODELS]: text }));

  expect(modelsOf(started)).toEqual(expect.arrayContaining(["one", "two"]));
  const model = (key: string) => started.plane.config.current.catalog.models.find((one) => one.key === key);
  expect(model("one")).toMatchObject({ name: "One", source: { kind: "repo", repo: "a/b" }, nodes: 2 });
  expect(model("two")).toMatchObject({ name: "Two", nodes: 2 });
});

test("of a repeated key the last one counts, and the other one is told", async () => {
  const text = "services:\n  parakeet: { port: 8001 }\n  parakeet: { port: 8010, port: 8011 }\n";
  const started = await start(earlier({ ...sure, [SERVICES]: text }));

  expect(servicesOf(started).parakeet?.port).toBe(8011);
  expect(items(started.report).filter((item) => item.includes("parakeet"))).toHaveLength(2);
  expect(started.plane.config.current.problems).toEqual([]);
});

test("a setting is added to one entry, and not to those that are said to be like it", async () => {
  const text = "services:\n  wiki: &wiki { kind: http, host: 10.77.0.9, port: 8090 } # ours\n  other: *wiki # alike\n";
  const settings = JSON.stringify({ DISABLED_SERVICES: "wiki" });
  const from = earlier({ "app_settings.json": settings, [SERVICES]: text });
  const started = await start(from);

  expect(servicesOf(started).wiki).toMatchObject({ port: 8090, disabled: true });
  expect(servicesOf(started).other).toMatchObject({ port: 8090, disabled: false });
  expect(readFileSync(join(from.dataDir, SERVICES), "utf8")).toContain("# ours");
  expect(started.plane.config.current.problems).toEqual([]);
});

test("merges that double again and again end", async () => {
  const lines = Array.from({ length: 40 }, (_, at) => `m${at + 1}: &m${at + 1} { <<: [*m${at}, *m${at}] }`);
  const text = `m0: &m0 { repo: a/b }\n${lines.join("\n")}\n`;
  const started = await start(earlier({ ...sure, [MODELS]: text }));

  expect(detailOf(started.report, "SPARK1_HOST").join()).toContain("topology.yaml");
});

test("a text that means the same in both stays byte for byte", async () => {
  const text = "# mine\nservices:\n  parakeet: { port: 8010, disabled: false } # comment\n";
  const from = earlier({ ...sure, [SERVICES]: text });
  await start(from);

  expect(readFileSync(join(from.dataDir, SERVICES), "utf8")).toBe(text);
});
