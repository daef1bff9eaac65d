import { describe, expect, test } from "bun:test";
import type { Catalog, Model } from "../../../lib/catalog/catalog.ts";
import { diffCatalog } from "../../../lib/catalog/diff-catalog.ts";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";

const SHIPPED = `models:
  big:
    name: Big
    repo: example/big
    nodes: 2
    max_model_len: 4096
    args: [--enable-auto-tool-choice]
  local:
    local_path: /models/local
    chat_template: /models/local/template.jinja
  secret:
    repo: example/secret
    hidden: true
`;

function load(overrides?: string, shipped = SHIPPED): Catalog {
  const file = overrides === undefined ? undefined : { name: "models-overrides.yaml", text: overrides };
  return loadCatalog({ shipped: { name: "models.yaml", text: shipped }, overrides: file });
}

const model = (catalog: Catalog, key: string): Model | undefined => catalog.models.find((one) => one.key === key);
const keys = (catalog: Catalog): string[] => catalog.models.map((one) => one.key);

describe("the shipped catalog", () => {
  test("becomes models, hidden ones left out", () => {
    const catalog = load();

    expect(catalog.problems).toEqual([]);
    expect(keys(catalog)).toEqual(["big", "local"]);
    expect(model(catalog, "local")).toEqual({
      key: "local",
      name: "local",
      source: { kind: "local", path: "/models/local" },
      nodes: 1,
      quantization: null,
      size_gb: null,
      gpu_memory_utilization: 0.8,
      max_model_len: null,
      served_name: null,
      aliases: [],
      args: [],
      chat_template: "/models/local/template.jinja",
      env: {},
      mods: [],
      image: null,
      note: null,
      origin: "shipped",
    });
  });
});

describe("an override", () => {
  test("replaces the fields it gives and keeps the others", () => {
    const catalog = load("models:\n  big:\n    max_model_len: 8192\n");

    expect(model(catalog, "big")).toMatchObject({
      name: "Big",
      nodes: 2,
      max_model_len: 8192,
      args: ["--enable-auto-tool-choice"],
      origin: "overrides",
    });
    expect(model(catalog, "local")?.origin).toBe("shipped");
  });

  test("with a blank field goes back to the default", () => {
    expect(model(load("models:\n  big:\n    max_model_len:\n"), "big")?.max_model_len).toBeNull();
  });

  test("that gives the other source replaces the source", () => {
    const catalog = load("models:\n  big: { local_path: /models/big }\n");

    expect(catalog.problems).toEqual([]);
    expect(model(catalog, "big")?.source).toEqual({ kind: "local", path: "/models/big" });
  });

  test.each(["null", "{ hidden: true }", ""])("of %j removes a shipped model from the menu", (value) => {
    const catalog = load(`models:\n  big: ${value}\n`);

    expect(catalog.problems).toEqual([]);
    expect(keys(catalog)).toEqual(["local"]);
  });

  test("brings a hidden model back", () => {
    expect(keys(load("models:\n  secret: { hidden: false }\n"))).toEqual(["big", "local", "secret"]);
  });

  test("that is bad leaves the shipped model as it is", () => {
    const catalog = load("models:\n  big: { name: Bigger, nodes: many }\n");

    expect(model(catalog, "big")).toEqual(model(load(), "big") as Model);
    expect(catalog.problems).toEqual([
      {
        source: "models-overrides.yaml",
        line: 2,
        path: "models.big.nodes",
        message: "The value must be a whole number from 1 to 8.",
        instead: "The entry is skipped; the shipped one stays as it is.",
      },
    ]);
  });

  test("adds further models after the shipped ones, numbers in env as text", () => {
    const catalog = load("models:\n  new: { repo: example/new, env: { A: 1 } }\n");

    expect(keys(catalog)).toEqual(["big", "local", "new"]);
    expect(model(catalog, "new")).toMatchObject({ name: "new", env: { A: "1" }, origin: "overrides" });
  });
});

describe("arguments that are not the entry's to set", () => {
  const refused = [
    "--port",
    "--port=1",
    "--por",
    "--host",
    "--nnodes",
    "-n",
    "--node-rank",
    "--node_rank=1",
    "-tp",
    "-tp=2",
    "-tp2",
    "--tensor-parallel-size",
    "--tensor_parallel_size=2",
    "--distributed-executor-backend",
    "--served-model-name",
    "--max-model-len",
    "--gpu-memory-utilization=0.9",
  ];
  test.each(refused)("%s is refused", (argument) => {
    const catalog = load(`models:\n  new: { repo: example/new, args: ["--enforce-eager", "${argument}"] }\n`);

    expect(model(catalog, "new")).toBeUndefined();
    expect(catalog.problems.map(({ path }) => path)).toEqual(["models.new.args.1"]);
  });

  const fine = [
    "--trust-remote-code",
    "--tool-call-parser=hermes",
    "hermes",
    "-q",
    "-1",
    "--max-num-seqs",
    "--hf-overrides",
    "--quantization",
    "--pipeline-parallel-size",
    "--tokenizer-mode",
    "--model-impl",
  ];
  test.each(fine)("%s is fine", (argument) => {
    expect(load(`models:\n  new: { repo: example/new, args: ["${argument}"] }\n`).problems).toEqual([]);
  });
});

describe("a chat template", () => {
  test.each(["/models/x/a.jinja", "/models/x/deep/a.jinja"])("may be %s of /models/x", (path) => {
    expect(load(`models:\n  new: { local_path: /models/x, chat_template: ${path} }\n`).problems).toEqual([]);
    expect(load(`models:\n  new: { local_path: /models/x/, args: [--chat-template, ${path}] }\n`).problems).toEqual([]);
  });

  test.each(["/models/x", "/models/xy/a.jinja", "/models/x/../a", "a.jinja", "/etc/passwd", "{{ messages }}"])(
    "may not be %s",
    (path) => {
      const asField = load(`models:\n  new: { local_path: /models/x, chat_template: "${path}" }\n`);
      const asArgument = load(`models:\n  new: { local_path: /models/x, args: ["--chat-template=${path}"] }\n`);

      expect(asField.problems.map((problem) => problem.path)).toEqual(["models.new.chat_template"]);
      expect(asArgument.problems.map((problem) => problem.path)).toEqual(["models.new.args.0"]);
    },
  );

  test("without its value is refused", () => {
    expect(keys(load("models:\n  new: { local_path: /models/x, args: [--chat-template] }\n"))).not.toContain("new");
  });

  test("of a model from Hugging Face may lie anywhere in the container", () => {
    expect(load("models:\n  new: { repo: example/new, chat_template: examples/tool.jinja }\n").problems).toEqual([]);
  });
});

describe("names that collide", () => {
  test("an alias that another model has first is left out", () => {
    const catalog = load(
      "models:\n  one: { repo: e/one, aliases: [x, big] }\n  two: { repo: e/two, aliases: [x, y] }\n",
    );

    expect(model(catalog, "one")?.aliases).toEqual(["x"]);
    expect(model(catalog, "two")?.aliases).toEqual(["y"]);
    expect(catalog.problems.map(({ path }) => path)).toEqual(["models.one.aliases.1", "models.two.aliases.0"]);
  });

  test("an equal served name is reported, and both stay", () => {
    const catalog = load("models:\n  one: { repo: e/one, served_name: x }\n  two: { repo: e/two, served_name: x }\n");

    expect(keys(catalog)).toEqual(["big", "local", "one", "two"]);
    expect(catalog.problems.map(({ path }) => path)).toEqual(["models.two.served_name"]);
  });
});

test("a difference names the models that were added, removed or changed", () => {
  const after = load("models:\n  big: { nodes: 1 }\n  local: null\n  new: { repo: example/new }\n  bad: 5\n");

  expect([...diffCatalog(load(), after)].sort()).toEqual(["big", "local", "new"]);
  expect(diffCatalog(load(), load())).toEqual([]);
});
