/** For any folder: the start goes on, and each entry of it is there afterwards or told with its reason, once. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "yaml";
import type { UpgradeReport } from "../../../lib/upgrade/report.ts";
import { VARIABLES } from "../../../lib/upgrade/variables.ts";
import { makeEarlier } from "./_earlier.ts";
import { earlier, endEach, modelsOf, servicesOf, start } from "./_start.ts";

endEach();

type Entry = readonly [name: string, fields: unknown];
const MODELS = "models-overrides.yaml";
const SERVICES = "services-overrides.yaml";

const junk = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "a; reboot",
    "-oProxyCommand=x",
    "99999",
    "0",
    "8010",
    "10.77.0.9",
    "alice",
    "true",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 2 }),
);
const settingNames = [...VARIABLES].filter(([, { kind }]) => kind !== "list").map(([name]) => name);
const settings = fc.dictionary(
  fc.oneof(fc.constantFrom(...settingNames), fc.constantFrom("PORT", "vllm_port", "OLD"), fc.string({ maxLength: 12 })),
  junk,
  { maxKeys: 12 },
);

const key = fc.oneof(
  fc.constantFrom(
    "a",
    "a.b",
    "tuned",
    "parakeet",
    "kokoro",
    "matrix-bridge",
    "A",
    "a b",
    "__proto__",
    "toString",
    "x.y.z",
  ),
  fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() === text && text !== "" && !isSection(text)),
);
const isSection = (text: string) => ["models", "services"].includes(text.toLowerCase());
const fieldsOf = (values: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(values).map(([name, good]) => [name, fc.oneof({ weight: 4, arbitrary: good }, junk)]),
    ),
    { requiredKeys: [] },
  );
const model = fieldsOf({
  repo: fc.constantFrom("x/a", "x/b"),
  local_path: fc.constantFrom("/srv/a", "/srv/../etc"),
  nodes: fc.constantFrom(1, 2),
  aliases: fc.constantFrom(["one"], ["one", "two"]),
  served_name: fc.constantFrom("tuned", "s"),
  hidden: fc.boolean(),
  odd: fc.constant(1),
});
const service = fieldsOf({
  kind: fc.constantFrom("http", "asr", "bot", "vllm"),
  port: fc.constantFrom(8090, 8010),
  host: fc.constant("10.77.0.40"),
  node: fc.constantFrom("spark-1", "spark-9"),
  user: fc.constant("bob"),
  directory: fc.constantFrom("~/bot", "a;b"),
  odd: fc.constant(1),
});
const entries = (fields: fc.Arbitrary<object>) => fc.array(fc.tuple(key, fields), { maxLength: 6 });

/** Ways to write the same entries. With `version` there is one more thing that is no entry. */
const SHAPES = ["section", "top", "list", "list in section", "top with version"] as const;
type Shape = (typeof SHAPES)[number];

function written(section: string, list: readonly Entry[], shape: Shape): string {
  const named = list.map(([name, fields]) => ({ key: name, ...(fields as object) }));
  // The files of before are YAML 1.1, which takes more for numbers: what would be one is quoted.
  if (shape === "list") return stringify(named, { version: "1.1" });
  if (shape === "list in section") return stringify({ [section]: named }, { version: "1.1" });
  // By hand: a key may be there twice.
  const indent = shape === "section" ? "  " : "";
  const lines = list.map(([name, fields]) => `${indent}${JSON.stringify(name)}: ${JSON.stringify(fields)}\n`).join("");
  if (shape === "section") return list.length === 0 ? `${section}: {}\n` : `${section}:\n${lines}`;
  return `${shape === "top with version" ? "version: 1\n" : ""}${lines}`;
}

/** What is told of a file, without what belongs to a value inside an entry: those are told after their entry. */
function linesOf(report: UpgradeReport | null, source: string, names: readonly string[]) {
  const shown = new Set(names.map((name) => JSON.stringify(name).slice(1, -1)));
  const items = report?.items.filter((item) => item.source === source) ?? [];
  return items.filter(({ item }) => shown.has(item) || /^entry \d+ of the list$/.test(item));
}

describe("any folder", () => {
  test("each entry is there, or told, once", async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        entries(model),
        entries(service),
        fc.constantFrom(...SHAPES),
        fc.constantFrom(...SHAPES),
        async (values, models, services, modelShape, serviceShape) => {
          const from = earlier({
            "app_settings.json": JSON.stringify(values),
            [MODELS]: written("models", models, modelShape),
            [SERVICES]: written("services", services, serviceShape),
          });
          const started = await start(from);
          const { report } = started;
          const names = Object.keys(values);

          expect(
            linesOf(report, "app_settings.json", names)
              .map(({ item }) => item)
              .sort(),
          ).toEqual(names.map((name) => JSON.stringify(name).slice(1, -1)).sort());
          for (const [file, list] of [
            [MODELS, models],
            [SERVICES, services],
          ] as const)
            expect(
              linesOf(
                report,
                file,
                list.map(([name]) => name),
              ),
            ).toHaveLength(list.length);
          const taken = (file: string) =>
            new Set(
              report?.items.filter((one) => one.source === file && one.outcome === "taken").map(({ item }) => item),
            );
          for (const name of modelsOf(started)) expect(taken(MODELS)).toContain(name);
          for (const [name] of services)
            if (taken(SERVICES).has(name)) expect(servicesOf(started)).toHaveProperty([name]);
          for (const item of report?.items ?? []) if (item.outcome === "not_taken") expect(item.detail).not.toBe("");
          await started.close();
          from.remove();
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  const damages = fc.constantFrom("none", "cut", "NUL", "folder", "link", "bytes", "BOM", "CRLF", "gone", "comma");
  const NAMES = [
    "app_settings.json",
    MODELS,
    SERVICES,
    "topology.yaml",
    "known_hosts",
    "ssh/id_ed25519",
    "before-upgrade",
  ];

  test("whatever became of its files, the start goes on, and a file that is not read is told", async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        entries(model),
        entries(service),
        fc.array(fc.tuple(damages, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 7, maxLength: 7 }),
        async (values, models, services, damage) => {
          const from = makeEarlier({
            "app_settings.json": JSON.stringify(values),
            [MODELS]: written("models", models, "section"),
            [SERVICES]: written("services", services, "top"),
            "topology.yaml": "nodes:\n  - { name: spark-1, host: 10.77.0.11 }\n",
            known_hosts: "10.77.0.11 HOSTKEY!\n",
            "ssh/id_ed25519": "PRIVATE!",
          });
          const isBroken = new Set<string>();
          for (const [index, [kind, at]] of damage.entries())
            if (spoil(join(from.dataDir, NAMES[index]!), kind, at)) isBroken.add(NAMES[index]!);
          const started = await start(from);

          const told = started.report?.items.filter(({ outcome }) => outcome === "not_taken") ?? [];
          const sources = new Set(told.map(({ source }) => source));
          if (started.report !== null)
            for (const name of isBroken) if (name !== "before-upgrade") expect(sources).toContain(name);
          expect(started.plane.identity.publicKeyLine).toStartWith("ssh-ed25519 ");
          await started.close();
          from.remove();
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

/** @returns whether nothing of it can be read afterwards */
function spoil(path: string, kind: string, at: number): boolean {
  const isFolder = path.endsWith("before-upgrade");
  if (kind === "none" || (isFolder && kind !== "link" && kind !== "bytes")) return false;
  if (isFolder) {
    if (kind === "link") symlinkSync("/nowhere", path);
    else writeFileSync(path, "mine");
    return false;
  }
  const text = readFileSync(path, "utf8");
  rmSync(path);
  const cut = Math.floor(text.length * at);
  if (kind === "folder") mkdirSync(path);
  else if (kind === "link") symlinkSync("/nowhere", path);
  else if (kind === "bytes") writeFileSync(path, Uint8Array.of(0xc3, 0x28, 0xff));
  else if (kind !== "gone") writeFileSync(path, TEXTS[kind]!(text, cut));
  return ["folder", "link", "bytes"].includes(kind);
}

const TEXTS: Record<string, (text: string, cut: number) => string> = {
  cut: (text, cut) => text.slice(0, cut),
  NUL: (text, cut) => `${text.slice(0, cut)}\u0000${text.slice(cut)}`,
  BOM: (text) => `\ufeff${text}`,
  CRLF: (text) => text.replaceAll("\n", "\r\n"),
  comma: (text, cut) => `${text.slice(0, cut)},${text.slice(cut)}`,
};
