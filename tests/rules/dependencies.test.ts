import { describe, expect, test } from "bun:test";
import { type Source, sourcesBelow } from "./_sources.ts";

/** The table of docs/ARCHITECTURE.md: what each folder of lib may import beside itself and the root files. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  topology: ["config"],
  catalog: ["config"],
  store: [],
  events: ["store"],
  lock: [],
  ssh: [],
  spark: ["ssh", "topology"],
  connectivity: ["topology"],
  downloads: ["topology"],
  hardware: ["topology", "ssh", "spark"],
  swap: ["topology", "catalog", "store"],
  service: ["topology"],
  bot: ["topology", "ssh"],
  inventory: ["topology", "catalog"],
  gateway: [],
  activity: [],
  metrics: [],
  schedule: ["events"],
  audit: ["events"],
  webhook: ["events"],
  settings: ["config", "topology"],
  setup: ["config", "topology", "ssh", "spark", "swap"],
  upgrade: ["config", "topology", "catalog", "ssh"],
  http: [],
  simulator: ["ssh"],
  client: [],
  routegen: [],
};
/** Types only: an event carries what the swap shows, what a swap asks of a Spark is the swap's to say, and a client reads problem documents. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  events: ["swap", "lock", "webhook", "connectivity", "downloads", "service", "bot"],
  service: ["swap"],
  spark: ["swap"],
  webhook: ["swap", "lock"],
  audit: ["swap", "lock"],
  http: ["audit"],
  client: ["http", "webhook"],
};
/** Imported by anything, import nothing of ours but each other. */
const ROOT_FILES = new Set([
  "lib/fault.ts",
  "lib/log.ts",
  "lib/ids.ts",
  "lib/read-json.ts",
  "lib/schema.ts",
  "lib/atomic-file.ts",
  "lib/token-text.ts",
  "lib/silent-wav.ts",
  "lib/upload-pace.ts",
]);
/** Files beside the folders of lib: here the nouns meet. */
const NOT_FOR_MEETING = ["http", "simulator", "client", "routegen"];
const MAY_IMPORT_ELYSIA = [/^routes\//, /^lib\/http\//, /^lib\/client\//];

const sources = await sourcesBelow("lib", "routes", "public");
const lib = sources.filter(({ file }) => file.startsWith("lib/"));
const folderOf = (file: string) => /^lib\/([^/]+)\//.exec(file)?.[1] ?? null;

/** `file → target` for each own import that breaks the rule. */
function breaches(
  of: readonly Source[],
  isAllowed: (file: string, target: string, isTypeOnly: boolean) => boolean,
): string[] {
  return of.flatMap(({ file, imports }) =>
    imports
      .filter(({ target, isOwn, isTypeOnly }) => isOwn && !isAllowed(file, target, isTypeOnly))
      .map(({ target }) => `${file} → ${target}`),
  );
}

describe("dependencies", () => {
  test("the scan sees the files and their imports", () => {
    const perimeter = sources.find(({ file }) => file === "lib/http/perimeter.ts");

    expect(perimeter?.imports).toContainEqual({ target: "elysia", isOwn: false, isTypeOnly: true });
    expect(perimeter?.imports).toContainEqual({ target: "lib/ids.ts", isOwn: true, isTypeOnly: false });
  });

  test("every folder of lib is in the table", () => {
    const folders = new Set(lib.map(({ file }) => folderOf(file)).filter((folder) => folder !== null));

    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
  });

  test("a folder of lib imports only what the table lists", () => {
    const inFolders = lib.filter(({ file }) => folderOf(file) !== null);

    const found = breaches(inFolders, (file, target, isTypeOnly) => {
      const own = folderOf(file)!;
      const other = folderOf(target);
      if (ROOT_FILES.has(target) || other === own) return true;
      if (own === "client" && target.startsWith("routes/")) return isTypeOnly;
      if (isTypeOnly && other !== null && MAY_IMPORT_TYPES[own]?.includes(other)) return true;
      return other !== null && MAY_IMPORT[own]!.includes(other);
    });

    expect(found).toEqual([]);
  });

  test("the root files import nothing but each other", () => {
    const found = breaches(
      lib.filter(({ file }) => ROOT_FILES.has(file)),
      (_, target) => ROOT_FILES.has(target),
    );

    expect(found).toEqual([]);
  });

  test("where the nouns meet knows nothing of HTTP, the simulator, the client and the generator", () => {
    const meeting = lib.filter(({ file }) => folderOf(file) === null && !ROOT_FILES.has(file));

    const found = breaches(
      meeting,
      (_, target) => target.startsWith("lib/") && !NOT_FOR_MEETING.includes(folderOf(target) ?? ""),
    );

    expect(found).toEqual([]);
  });

  test("nothing in lib imports a route, but the client its types", () => {
    const found = breaches(
      lib,
      (file, target, isTypeOnly) => !target.startsWith("routes/") || (file.startsWith("lib/client/") && isTypeOnly),
    );

    expect(found).toEqual([]);
  });

  test("the simulator is loaded by the process entry only", () => {
    const outside = sources.filter(({ file }) => !file.startsWith("lib/simulator/") && file !== "routes/_server.ts");

    expect(breaches(outside, (_, target) => !target.startsWith("lib/simulator/"))).toEqual([]);
  });

  test("the dashboard imports types only from elsewhere", () => {
    const dashboard = sources.filter(({ file }) => file.startsWith("public/") && !file.startsWith("public/_"));

    expect(breaches(dashboard, (_, target, isTypeOnly) => target.startsWith("public/") || isTypeOnly)).toEqual([]);
  });

  test("elysia is known to routes, lib/http and lib/client only", () => {
    const found = sources
      .filter(({ imports }) => imports.some(({ target }) => /^(elysia|@elysiajs\/)/.test(target)))
      .filter(({ file }) => !MAY_IMPORT_ELYSIA.some((place) => place.test(file)));

    expect(found.map(({ file }) => file)).toEqual([]);
  });

  test("there is no cycle", () => {
    const edges = new Map(
      sources.map(({ file, imports }) => [file, imports.filter(({ isOwn, isTypeOnly }) => isOwn && !isTypeOnly)]),
    );
    const finished = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) return void cycles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
      if (finished.has(file)) return;
      for (const { target } of edges.get(file) ?? []) visit(target, [...trail, file]);
      finished.add(file);
    };

    for (const file of edges.keys()) visit(file, []);

    expect(cycles).toEqual([]);
  });
});
