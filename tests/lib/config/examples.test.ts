/** The shipped files in config/: schemas are current, examples are valid and load without a problem. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";
import { staleSchemas } from "../../../lib/config/_schemas.ts";
import { CatalogFile } from "../../../lib/config/catalog-schema.ts";
import { ServicesFile } from "../../../lib/config/services-schema.ts";
import { TopologyFile } from "../../../lib/config/topology-schema.ts";
import { readYaml, type TextFile } from "../../../lib/config/yaml-document.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";

const shippedFile = (name: string): TextFile => ({
  name,
  text: readFileSync(new URL(`../../../config/${name}`, import.meta.url), "utf8"),
});
const models = shippedFile("models.yaml");
const topologyExample = shippedFile("topology.example.yaml");
const servicesExample = shippedFile("services-overrides.example.yaml");
const modelsExample = shippedFile("models-overrides.example.yaml");

test("the committed JSON Schemas are what the code says", () => {
  expect(staleSchemas()).toEqual([]);
});

describe("each file", () => {
  const files: [string, TextFile, TSchema, string][] = [
    ["models.yaml", models, CatalogFile, "models.schema.json"],
    ["models-overrides.example.yaml", modelsExample, CatalogFile, "models.schema.json"],
    ["topology.example.yaml", topologyExample, TopologyFile, "topology.schema.json"],
    ["services-overrides.example.yaml", servicesExample, ServicesFile, "services-overrides.schema.json"],
  ];

  test.each(files)("%s names its schema and conforms to it", (_, file, schema, schemaName) => {
    const document = readYaml(file);

    expect(file.text.split("\n")[0]).toBe(`# yaml-language-server: $schema=./${schemaName}`);
    expect(document.problems).toEqual([]);
    expect([...Value.Errors(schema, document.value)]).toEqual([]);
  });
});

test("the example topology loads without a problem", () => {
  const topology = loadTopology({ files: { topology: topologyExample, services: servicesExample }, env: {} });

  expect(topology.problems).toEqual([]);
  expect(topology.nodes.map((node) => node.status)).toEqual(["configured", "configured"]);
  expect(topology.slots).toEqual([
    { name: "main", nodes: ["spark-1", "spark-2"], port: 8888, container: "vllm_node", image: "vllm-node" },
  ]);
  expect(topology.services.filter((service) => service.disabled).map((service) => service.name)).toEqual(["reranker"]);
  expect(topology.services.at(-1)).toMatchObject({ name: "wiki", kind: "http", node: "spark-1", port: 8090 });
});

test("the settings of the example are the defaults", () => {
  const example = loadTopology({ files: { topology: topologyExample }, env: {} });

  expect(example.settings).toEqual(loadTopology({ files: {}, env: {} }).settings);
});

test("the shipped catalog loads without a problem and fits on at most two Sparks", () => {
  const catalog = loadCatalog({ shipped: models });

  expect(catalog.problems).toEqual([]);
  expect(catalog.models.length).toBe(8);
  for (const model of catalog.models) {
    const { key, nodes, size_gb, gpu_memory_utilization } = model;
    const claimedGb = 128 * nodes * gpu_memory_utilization;
    expect({ key, nodes: nodes <= 2, fits: size_gb !== null && size_gb < claimedGb * 0.9 }).toEqual({
      key,
      nodes: true,
      fits: true,
    });
  }
});

test("the example of overrides changes, removes and adds", () => {
  const catalog = loadCatalog({ shipped: models, overrides: modelsExample });
  const find = (key: string) => catalog.models.find((model) => model.key === key);

  expect(catalog.problems).toEqual([]);
  expect(find("gpt-oss-120b")).toMatchObject({ origin: "overrides", max_model_len: 65536, aliases: ["gpt-oss"] });
  expect(find("llama-3.3-70b")).toBeUndefined();
  expect(find("qwen3-8b")).toMatchObject({ origin: "overrides", env: { VLLM_LOGGING_LEVEL: "INFO" } });
  expect(find("my-finetune")?.source).toEqual({ kind: "local", path: "/models/my-finetune" });
});
