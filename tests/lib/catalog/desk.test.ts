/** Changing models-overrides.yaml from two dashboards, by hand beside them, and across crashes. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CatalogDesk, createCatalogDesk } from "../../../lib/catalog/desk.ts";
import type { ModelEntry } from "../../../lib/catalog/entry-schema.ts";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";
import { Fault } from "../../../lib/fault.ts";
import { type Demo, startDemo } from "../../support/demo.ts";
import { until } from "../../support/until.ts";

const SHIPPED = join(import.meta.dir, "../../../config/models.yaml");
const COMMENTED = `# Ours. Ask Alice before you change it.
models:
  # The big one.
  gpt-oss-120b:
    max_model_len: 65536 # enough for us
    aliases: [gpt-oss]

  # last letter first
  zeta:
    repo: acme/zeta
    args:
      - --trust-remote-code # it needs that
    note: "quoted, as it was"
  alpha: {repo: acme/alpha, size_gb: 8}
`;

let folder: string;
let desk: CatalogDesk;
let reloads = 0;
const file = () => join(folder, "models-overrides.yaml");
const text = () => readFileSync(file(), "utf8");
const write = (content: string) => writeFileSync(file(), content);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-desk-"));
  reloads = 0;
  desk = createCatalogDesk({ dataDir: folder, shippedPath: SHIPPED, reload: () => (reloads += 1) });
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

function refused(act: () => unknown): Fault {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("a change", () => {
  test("alters what it says and nothing else: comments, quotes, order and blank lines stay", () => {
    write(COMMENTED);

    desk.change("gpt-oss-120b", { values: { max_model_len: 32_768, gpu_memory_utilization: 0.7 } });

    expect(text()).toBe(
      COMMENTED.replace(
        "max_model_len: 65536 # enough for us\n    aliases: [gpt-oss]\n",
        "max_model_len: 32768 # enough for us\n    aliases: [gpt-oss]\n    gpu_memory_utilization: 0.7\n",
      ),
    );
    expect(reloads).toBe(1);
  });

  test("of a shipped model is laid over it; null takes a field out again", () => {
    const changed = desk.change("gpt-oss-20b", { values: { note: "Ours", aliases: ["small"] } });
    expect(changed).toMatchObject({
      shipped: { repo: "openai/gpt-oss-20b" },
      own: { note: "Ours", aliases: ["small"] },
    });

    desk.change("gpt-oss-20b", { values: { note: null, aliases: null }, version: changed.version });
    expect(desk.entry("gpt-oss-20b").own).toBeNull();
  });

  test("that changes nothing writes nothing", () => {
    write(COMMENTED);
    desk.change("alpha", { values: { size_gb: 8 } });

    expect(reloads).toBe(0);
    expect(text()).toBe(COMMENTED);
  });

  const bad: [string, Record<string, unknown>, string][] = [
    ["a field of the wrong kind", { gpu_memory_utilization: 2 }, "/gpu_memory_utilization"],
    ["an argument that no command line can carry", { args: ["--x\0"] }, "/args/0"],
    ["an argument that has a field of its own", { args: ["--port", "1"] }, "/args/0"],
    ["both a repository and a folder", { repo: "acme/zeta", local_path: "/models/zeta" }, ""],
    ["a folder with dot segments", { repo: null, local_path: "/models/../etc" }, "/local_path"],
    ["a template outside of the folder", { repo: null, local_path: "/models/zeta", chat_template: "/etc/x" }, ""],
    ["an alias of another model", { aliases: ["alpha"] }, "/aliases/0"],
    ["neither a repository nor a folder", { repo: null }, ""],
  ];
  for (const [what, values, path] of bad)
    test(`with ${what} is refused as a whole; the file stays as it was`, () => {
      write(COMMENTED);

      const fault = refused(() => desk.change("zeta", { values: { note: "new", ...values } as never }));

      expect([fault.kind, fault.code]).toEqual(["invalid", "malformed_model"]);
      const [error] = fault.members.errors as { path: string }[];
      expect(error!.path).toStartWith(path);
      expect(text()).toBe(COMMENTED);
      expect(reloads).toBe(0);
    });
});

describe("an entry", () => {
  test("is added at the end, with whatever it has", () => {
    write(COMMENTED);
    desk.add({ key: "mine", local_path: "/models/mine", env: { A_B: "x", N: 3 }, args: ["--enforce-eager"], nodes: 1 });

    expect(text()).toStartWith(COMMENTED);
    const { models, problems } = loadCatalog({
      shipped: { name: "models.yaml", text: "" },
      overrides: { name: "models-overrides.yaml", text: text() },
    });
    expect(problems.filter(({ path }) => path.includes("mine"))).toEqual([]);
    expect(models.find(({ key }) => key === "mine")).toMatchObject({
      source: { kind: "local", path: "/models/mine" },
      env: { A_B: "x", N: "3" },
      args: ["--enforce-eager"],
    });
  });

  test("is the first of a file that is not there yet", () => {
    desk.add({ key: "mine", repo: "acme/mine" });

    expect(text()).toBe("models:\n  mine:\n    repo: acme/mine\n");
  });

  for (const key of ["zeta", "gpt-oss-20b"])
    test(`is not added twice: ${key}`, () => {
      write(COMMENTED);
      expect(refused(() => desk.add({ key, repo: "acme/other" })).code).toBe("model_exists");
    });

  for (const key of ["", "A", "a b", "../x", "__proto__", "x".repeat(65)])
    test(`has no key such as ${JSON.stringify(key.slice(0, 12))}`, () => {
      expect(refused(() => desk.add({ key, repo: "acme/x" })).kind).toBe("invalid");
      expect(existsSync(file())).toBe(false);
    });

  test("of one's own is forgotten; a shipped one is hidden, and comes back with what was changed in it", () => {
    write(COMMENTED);
    desk.remove("zeta");
    expect(text()).not.toContain("zeta");
    expect(refused(() => desk.entry("zeta")).kind).toBe("not_found");

    desk.remove("gpt-oss-120b");
    expect(desk.entry("gpt-oss-120b")).toMatchObject({ hidden: true, own: { max_model_len: 65_536 } });
    desk.restore("gpt-oss-120b");
    expect(desk.entry("gpt-oss-120b")).toMatchObject({ hidden: false, own: { max_model_len: 65_536 } });
    expect(text()).toContain("# enough for us");
  });

  test("that was removed by hand comes back, too", () => {
    write("models:\n  llama-3.3-70b: null # too slow\n");
    expect(desk.entry("llama-3.3-70b")).toMatchObject({ hidden: true, own: null });

    expect(desk.restore("llama-3.3-70b")).toMatchObject({ hidden: false, own: null });
  });
});

describe("two dashboards", () => {
  test("that change with the same version: the second is refused, and nothing is lost", () => {
    write(COMMENTED);
    const { version } = desk.entry("alpha");
    desk.change("alpha", { values: { note: "from Alice" }, version });

    const fault = refused(() => desk.change("zeta", { values: { note: "from Bob" }, version }));

    expect([fault.kind, fault.code]).toEqual(["conflict", "changed_meanwhile"]);
    expect(desk.entry("alpha").own?.note).toBe("from Alice");
    desk.change("zeta", { values: { note: "from Bob" }, version: desk.version() });
    expect([desk.entry("alpha").own?.note, desk.entry("zeta").own?.note]).toEqual(["from Alice", "from Bob"]);
  });

  test("an edit by hand counts as one, too", () => {
    write(COMMENTED);
    const { version } = desk.entry("alpha");
    write(`${COMMENTED}  omega: { repo: acme/omega }\n`);

    expect(refused(() => desk.remove("alpha", version)).code).toBe("changed_meanwhile");
    expect(text()).toContain("omega");
  });
});

describe("a file that cannot be changed", () => {
  for (const [what, content] of [
    ["that is no YAML", "models: [\n"],
    ["that is a list", "- models\n"],
    ["whose models are a list", "models:\n  - zeta\n"],
  ])
    test(`${what} is left as it is, and that is said`, () => {
      write(content!);

      expect(refused(() => desk.add({ key: "mine", repo: "acme/mine" })).code).toBe("file_unusable");
      expect(text()).toBe(content!);
    });

  test("a folder that takes nothing: 503, and the old file stays", () => {
    write(COMMENTED);
    rmSync(`${file()}.tmp`, { force: true });
    // Root may write anywhere: a folder in the place of the temporary file refuses everybody.
    mkdirSync(`${file()}.tmp`);

    expect(refused(() => desk.change("alpha", { values: { note: "x" } })).code).toBe("file_not_written");
    expect(text()).toBe(COMMENTED);
  });

  test("a crash between writing and renaming leaves the old file, and the next change works", async () => {
    write(COMMENTED);
    const script = `
      const fs = require("node:fs");
      fs.renameSync = () => process.kill(process.pid, "SIGKILL");
      const { createCatalogDesk } = await import(${JSON.stringify(join(import.meta.dir, "../../../lib/catalog/desk.ts"))});
      const desk = createCatalogDesk({ dataDir: ${JSON.stringify(folder)}, shippedPath: ${JSON.stringify(SHIPPED)}, reload() {} });
      desk.change("alpha", { values: { note: "half way" } });
      console.log("it went on");`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
    await child.exited;

    expect(child.signalCode).toBe("SIGKILL");
    expect(await new Response(child.stdout).text()).toBe("");
    expect(readFileSync(`${file()}.tmp`, "utf8")).toContain("half way");
    expect(text()).toBe(COMMENTED);
    desk.change("alpha", { values: { note: "whole" } });
    expect(desk.entry("alpha").own?.note).toBe("whole");
  });
});

describe("over HTTP", () => {
  let demo: Demo | undefined;
  afterEach(async () => {
    await demo?.close();
    demo = undefined;
  });
  const ask = async (method: string, path: string, body?: unknown) => {
    const init =
      body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(demo!.url + path, { method, ...init });
    return { status: response.status, body: (await response.json()) as ModelEntry & { code?: string } };
  };

  test("a model is added, shown in the menu at once, changed, and taken out again", async () => {
    demo = await startDemo();
    const added = await ask("POST", "/api/models", { key: "mine", local_path: "/models/mine", size_gb: 4 });
    expect(added.status).toBe(200);
    const menu = async () =>
      ((await (await fetch(`${demo!.url}/api/models`)).json()) as { models: { key: string; local: boolean }[] }).models;
    expect((await menu()).find(({ key }) => key === "mine")).toMatchObject({ local: true });

    const twice = await Promise.all(
      ["one", "two"].map((note) => ask("PATCH", "/api/models/mine", { values: { note }, version: added.body.version })),
    );
    expect(twice.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await ask("GET", "/api/models/mine")).body.own?.note).toBe(twice[0]!.status === 200 ? "one" : "two");

    expect((await ask("POST", "/api/models", { key: "mine", repo: "acme/x" })).status).toBe(409);
    expect((await ask("POST", "/api/models", { key: "bad", repo: "a b" })).status).toBe(422);
    expect((await ask("PATCH", "/api/models/nobody", { values: {} })).status).toBe(404);
    expect((await ask("DELETE", "/api/models/mine")).status).toBe(200);
    expect((await menu()).some(({ key }) => key === "mine")).toBe(false);
  });

  test("a file broken by hand is reported and does not take the menu down", async () => {
    demo = await startDemo();
    writeFileSync(join(demo.dataDir, "models-overrides.yaml"), "models: [\n");
    type Menu = { models: unknown[]; problems: { source: string }[] };
    const menu = async () => (await (await fetch(`${demo!.url}/api/models`)).json()) as Menu;
    await until("the problem is shown", async () => (await menu()).problems.length > 0);

    expect((await menu()).models.length).toBeGreaterThan(5);
    const { status, body } = await ask("POST", "/api/models", { key: "mine", repo: "acme/x" });
    expect([status, body.code]).toEqual([409, "file_unusable"]);
  });
});
