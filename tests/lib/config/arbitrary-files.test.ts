/** Whatever stands in the files and the environment: nothing throws, problems have places, what is served is valid. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";
import { ModelFields } from "../../../lib/config/catalog-schema.ts";
import type { Problem } from "../../../lib/config/problem.ts";
import { ServiceFields } from "../../../lib/config/services-schema.ts";
import { NodeFields, SettingsFields, SlotFields } from "../../../lib/config/topology-schema.ts";
import { invalidContainerName, invalidHost, invalidPort, invalidUserName } from "../../../lib/config/validate.ts";
import { ENVIRONMENT_VARIABLES } from "../../../lib/topology/environment-variables.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";
import type { Topology } from "../../../lib/topology/topology.ts";

const RUNS = 300;

/** Pieces from which files that look like YAML arise; plain random text hardly ever gets past the lexer. */
const fragment = fc.oneof(
  fc.constantFrom(
    "models:",
    "nodes:",
    "slots:",
    "services:",
    "settings:",
    "repo:",
    "host:",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
  ),
  fc.constantFrom(
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "*b",
    "!!map ",
    "!x ",
    "|\n",
    ">-\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "#",
    "\t",
  ),
  fc.constantFrom(
    "'",
    '"',
    "\\",
    "null",
    "~",
    "true",
    "0x1f",
    ".nan",
    "1e999",
    "<<: *a",
    "__proto__:",
    "constructor:",
    "\0",
    "\r\n",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const yamlish = fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join(""));

/** Values that are nearly right, beside anything that JSON can say. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    "spark-1",
    "10.77.0.11",
    "alice",
    8888,
    "8888",
    "/models/x",
    "example/x",
    "/models/x/t.jinja",
    null,
    true,
  ),
  fc.constantFrom<unknown>(
    "-x",
    "a\nb",
    "../..",
    99_999,
    -1,
    0.5,
    [],
    ["spark-1"],
    ["--port", "1"],
    ["--chat-template"],
    {},
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const entry = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys, "unknown", "__proto__"), value);
const name = fc.constantFrom("main", "spark-1", "spark-2", "alpha", "Bad Name", "parakeet", "wiki", "__proto__");
const orAnything = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 8, arbitrary }, { weight: 1, arbitrary: value });
const keysOf = (type: { properties: object }) => Object.keys(type.properties);
const topologyText = fc
  .record({
    nodes: orAnything(fc.array(orAnything(entry(keysOf(NodeFields))), { maxLength: 4 })),
    slots: orAnything(fc.array(orAnything(entry(keysOf(SlotFields))), { maxLength: 4 })),
    settings: orAnything(entry(keysOf(SettingsFields))),
  })
  .map((document) => stringify(document));
const servicesText = fc
  .dictionary(name, orAnything(entry(keysOf(ServiceFields))))
  .map((services) => stringify({ services }));
const modelsText = fc.dictionary(name, orAnything(entry(keysOf(ModelFields)))).map((models) => stringify({ models }));
const environment = fc.dictionary(
  fc.constantFrom(...ENVIRONMENT_VARIABLES.map((variable) => variable.name)),
  fc.oneof(
    fc.constantFrom("10.77.0.11", "alice", "8888", "-x", "a,b", "parakeet", "", "*"),
    fc.string({ unit: "grapheme" }),
  ),
);

function expectPlaced(problems: readonly Problem[], texts: Readonly<Record<string, string>>): void {
  for (const { source, line, message, instead } of problems) {
    expect([...Object.keys(texts), "environment"]).toContain(source);
    if (line !== null) expect(line).toBeWithin(1, (texts[source]?.split("\n").length ?? 0) + 1);
    expect(message).toMatch(/^[^\n]+[.?]$/);
    expect(instead).toMatch(/^[^\n]+\.$/);
  }
}

function expectValid(topology: Topology): void {
  for (const node of topology.nodes) {
    if (node.status === "misconfigured") expect(node.reason).not.toBe("");
    else
      expect([invalidHost(node.host), invalidUserName(node.user), invalidPort(node.ssh_port)]).toEqual([
        null,
        null,
        null,
      ]);
  }
  const usable = new Set(topology.nodes.filter((node) => node.status === "configured").map((node) => node.name));
  for (const slot of topology.slots) {
    expect(slot.nodes.filter((node) => !usable.has(node))).toEqual([]);
    expect([invalidPort(slot.port), invalidContainerName(slot.container)]).toEqual([null, null]);
  }
  for (const service of topology.services) {
    expect(service.host === null ? null : invalidHost(service.host)).toBeNull();
    expect(service.port === null ? null : invalidPort(service.port)).toBeNull();
  }
  for (const list of [topology.nodes, topology.slots, topology.services]) {
    expect(new Set(list.map((item) => item.name)).size).toBe(list.length);
  }
}

test("any topology, services and environment", () => {
  const text = fc.oneof({ weight: 4, arbitrary: topologyText }, { weight: 1, arbitrary: yamlish });
  const services = fc.oneof({ weight: 4, arbitrary: servicesText }, { weight: 1, arbitrary: yamlish });

  fc.assert(
    fc.property(text, services, environment, (topologyYaml, servicesYaml, env) => {
      const files = {
        topology: { name: "topology.yaml", text: topologyYaml },
        services: { name: "services-overrides.yaml", text: servicesYaml },
      };

      const topology = loadTopology({ files, env });

      expectPlaced(topology.problems, { "topology.yaml": topologyYaml, "services-overrides.yaml": servicesYaml });
      expectValid(topology);
    }),
    { numRuns: RUNS },
  );
});

test("any catalog: what is shipped and sound is still served, unless it is removed", () => {
  const shipped = { name: "models.yaml", text: "models:\n  safe: { repo: example/safe }\n" };
  const text = fc.oneof({ weight: 4, arbitrary: modelsText }, { weight: 1, arbitrary: yamlish });

  fc.assert(
    fc.property(text, (overrides) => {
      const catalog = loadCatalog({ shipped, overrides: { name: "models-overrides.yaml", text: overrides } });

      expectPlaced(catalog.problems, { "models-overrides.yaml": overrides });
      expect(catalog.models.map((model) => model.key)).toContain("safe");
      for (const { source, gpu_memory_utilization, nodes } of catalog.models) {
        expect(source.kind === "repo" ? source.repo : source.path).toMatch(/^[A-Za-z0-9._+@=,/-]+$/);
        expect(gpu_memory_utilization > 0 && gpu_memory_utilization <= 0.98 && nodes >= 1).toBe(true);
      }
    }),
    { numRuns: RUNS },
  );
});

test("any text as a shipped catalog", () => {
  fc.assert(
    fc.property(yamlish, (text) => {
      const catalog = loadCatalog({ shipped: { name: "models.yaml", text } });

      expectPlaced(catalog.problems, { "models.yaml": text });
      for (const { source } of catalog.models) {
        expect(source.kind === "repo" ? source.repo : source.path).toMatch(/^[A-Za-z0-9._+@=,/-]+$/);
      }
    }),
    { numRuns: RUNS },
  );
});
