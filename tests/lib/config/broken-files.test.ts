/**
 * Files as people break them. Each says exactly what is found wrong (file, line, path) and what is still served. The
 * fixtures lie in broken/; a fixture without an expectation, or the reverse, fails.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { loadCatalog } from "../../../lib/catalog/load-catalog.ts";
import type { Problem } from "../../../lib/config/problem.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";

interface BrokenCatalog {
  /** Keys that the overrides file still adds; the two shipped models stay in every case. */
  readonly served: readonly string[];
  readonly problems: readonly string[];
}

interface BrokenTopology {
  readonly usable: readonly string[];
  readonly misconfigured: readonly string[];
  readonly slots: readonly string[];
  readonly problems: readonly string[];
}

interface BrokenServices {
  /** Services that the file still adds; the seven usual ones stay in every case. */
  readonly further: readonly string[];
  readonly problems: readonly string[];
}

const models: Readonly<Record<string, BrokenCatalog>> = {
  "alias-bomb": {
    served: [],
    problems: ["models-overrides.yaml:5"],
  },
  "alias-to-itself": {
    served: ["loop", "fine"],
    problems: [
      "models-overrides.yaml:4 models.loop.env",
      "models-overrides.yaml:6 models.missing.repo",
      "models-overrides.yaml:5 models.missing",
    ],
  },
  "bad-environment": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:6 models.name.env.BAD-NAME",
      "models-overrides.yaml:11 models.value.env.INJECTED",
      "models-overrides.yaml:14 models.spaces.env.A",
      "models-overrides.yaml:17 models.list.env",
    ],
  },
  "bad-keys": {
    served: ["constructor"],
    problems: [
      "models-overrides.yaml:2 models.__proto__",
      "models-overrides.yaml:4 models.Upper",
      "models-overrides.yaml:6 models.../../etc",
      "models-overrides.yaml:8 models.line\\nbreak",
    ],
  },
  "bad-overrides-of-shipped": {
    served: [],
    problems: [
      "models-overrides.yaml:3 models.alpha.nodes",
      "models-overrides.yaml:5 models.beta.chat_template",
      "models-overrides.yaml:7 models.gamma",
    ],
  },
  "bad-paths": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:3 models.relative.local_path",
      "models-overrides.yaml:5 models.dots.local_path",
      "models-overrides.yaml:7 models.one-dot.local_path",
      "models-overrides.yaml:9 models.spaces.local_path",
      "models-overrides.yaml:11 models.shell.local_path",
      "models-overrides.yaml:13 models.root.local_path",
    ],
  },
  "bad-repos": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:3 models.no-slash.repo",
      "models-overrides.yaml:5 models.option.repo",
      "models-overrides.yaml:7 models.dots.repo",
      "models-overrides.yaml:9 models.url.repo",
    ],
  },
  "bad-values": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:4 models.mod.mods.1",
      "models-overrides.yaml:7 models.image.image",
      "models-overrides.yaml:10 models.alias.aliases.1",
      "models-overrides.yaml:13 models.nul.args.0",
      "models-overrides.yaml:16 models.infinite.size_gb",
      "models-overrides.yaml:19 models.fraction.nodes",
    ],
  },
  "both-sources": {
    served: ["fine"],
    problems: ["models-overrides.yaml:4 models.confused.local_path"],
  },
  "chat-template-outside": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:4 models.field.chat_template",
      "models-overrides.yaml:7 models.sibling.chat_template",
      "models-overrides.yaml:10 models.dots.chat_template",
      "models-overrides.yaml:13 models.argument.args.1",
      "models-overrides.yaml:18 models.equals.args.1",
    ],
  },
  "colliding-names": {
    served: ["one", "two"],
    problems: [
      "models-overrides.yaml:8 models.two.served_name",
      "models-overrides.yaml:5 models.one.aliases.0",
      "models-overrides.yaml:11 models.two.aliases.1",
    ],
  },
  "deep-nesting": {
    served: [],
    problems: ["models-overrides.yaml:1"],
  },
  "duplicate-keys": {
    served: ["twice", "fine"],
    problems: ["models-overrides.yaml:4 models.twice.repo", "models-overrides.yaml:5 models.twice"],
  },
  "entry-is-text": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:2 models.text",
      "models-overrides.yaml:3 models.number",
      "models-overrides.yaml:4 models.list",
    ],
  },
  "list-instead-of-mapping": {
    served: [],
    problems: ["models-overrides.yaml:1 models"],
  },
  "no-source": {
    served: ["fine"],
    problems: ["models-overrides.yaml:2 models.nowhere"],
  },
  "non-string-keys": {
    served: ["2"],
    problems: ["models-overrides.yaml:2 models", "models-overrides.yaml:4 models", "models-overrides.yaml:6 models"],
  },
  "not-yaml": {
    served: [],
    problems: ["models-overrides.yaml:5"],
  },
  "proto-inside": {
    served: ["fine"],
    problems: ["models-overrides.yaml:4 models.fine.__proto__"],
  },
  "reserved-arguments": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:4 models.port.args.0",
      "models-overrides.yaml:7 models.host.args.0",
      "models-overrides.yaml:10 models.parallel.args.1",
      "models-overrides.yaml:13 models.underscores.args.0",
      "models-overrides.yaml:16 models.abbreviated.args.0",
      "models-overrides.yaml:19 models.nodes.args.0",
    ],
  },
  tabs: {
    served: [],
    problems: ["models-overrides.yaml:3"],
  },
  "top-level-is-text": {
    served: [],
    problems: ["models-overrides.yaml:1"],
  },
  "two-documents": {
    served: [],
    problems: ["models-overrides.yaml:4"],
  },
  "unknown-keys": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:1 version",
      "models-overrides.yaml:5 models.fine.max-model-len",
      "models-overrides.yaml:6 models.fine.qantization",
      "models-overrides.yaml:7 models.fine.flavour",
    ],
  },
  "unknown-tag": {
    served: [],
    problems: ["models-overrides.yaml:3", "models-overrides.yaml:3 models.fine.repo"],
  },
  "wrong-nesting": {
    served: [],
    problems: ["models-overrides.yaml:2 fine"],
  },
  "wrong-types": {
    served: ["fine"],
    problems: [
      "models-overrides.yaml:3 models.typed.repo",
      "models-overrides.yaml:4 models.typed.nodes",
      "models-overrides.yaml:5 models.typed.size_gb",
      "models-overrides.yaml:6 models.typed.gpu_memory_utilization",
      "models-overrides.yaml:7 models.typed.args",
      "models-overrides.yaml:8 models.typed.hidden",
    ],
  },
};

const topology: Readonly<Record<string, BrokenTopology>> = {
  "bad-hosts": {
    usable: ["spark-4"],
    misconfigured: ["spark-1", "spark-2", "spark-3"],
    slots: [],
    problems: ["topology.yaml:2 nodes.0.host", "topology.yaml:4 nodes.1.host", "topology.yaml:6 nodes.2.host"],
  },
  "bad-paths": {
    usable: [],
    misconfigured: ["spark-1", "spark-2", "spark-3"],
    slots: [],
    problems: [
      "topology.yaml:4 nodes.0.launch_dir",
      "topology.yaml:7 nodes.1.launch_dir",
      "topology.yaml:10 nodes.2.eth_if",
    ],
  },
  "bad-port": {
    usable: [],
    misconfigured: ["spark-1"],
    slots: [],
    problems: ["topology.yaml:4 nodes.0.ssh_port"],
  },
  "bad-settings": {
    usable: ["spark-1"],
    misconfigured: [],
    slots: ["main"],
    problems: [
      "topology.yaml:6 settings.stall_seconds",
      "topology.yaml:7 settings.load_limit_seconds",
      "topology.yaml:8 settings.memory_reserve_gib",
      "topology.yaml:9 settings.allowed_hosts.1",
      "topology.yaml:9 settings.allowed_hosts.2",
      "topology.yaml:10 settings.cors_origins.0",
      "topology.yaml:10 settings.cors_origins.1",
      "topology.yaml:11 settings.trusted_proxies",
    ],
  },
  "bad-slots": {
    usable: ["spark-1"],
    misconfigured: ["spark-2"],
    slots: ["fine"],
    problems: [
      "topology.yaml:6 nodes.1.host",
      "topology.yaml:10 slots.0.nodes.1",
      "topology.yaml:12 slots.1.nodes.0",
      "topology.yaml:14 slots.2.nodes.1",
      "topology.yaml:16 slots.3.nodes",
      "topology.yaml:17 slots.4",
      "topology.yaml:18 slots.5.name",
      "topology.yaml:20 slots.6",
      "topology.yaml:23 slots.7.port",
      "topology.yaml:24 slots.7.container",
    ],
  },
  "duplicate-names": {
    usable: ["spark-1"],
    misconfigured: [],
    slots: ["main"],
    problems: ["topology.yaml:5 nodes.1", "topology.yaml:11 slots.1"],
  },
  "entry-is-text": {
    usable: ["spark-2"],
    misconfigured: ["spark-1"],
    slots: [],
    problems: ["topology.yaml:2 nodes.0"],
  },
  "host-is-an-option": {
    usable: ["spark-2"],
    misconfigured: ["spark-1"],
    slots: [],
    problems: ["topology.yaml:3 nodes.0.host"],
  },
  "missing-fields": {
    usable: [],
    misconfigured: ["spark-1", "spark-2", "spark-3"],
    slots: [],
    problems: [
      "topology.yaml:2 nodes.0",
      "topology.yaml:4 nodes.1",
      "topology.yaml:6 nodes.2",
      "topology.yaml:6 nodes.2",
    ],
  },
  "nodes-is-a-mapping": {
    usable: [],
    misconfigured: [],
    slots: [],
    problems: ["topology.yaml:1 nodes"],
  },
  "same-machine-twice": {
    usable: ["spark-1"],
    misconfigured: ["spark-2"],
    slots: ["main"],
    problems: ["topology.yaml:6 nodes.1.host"],
  },
  tabs: {
    usable: [],
    misconfigured: [],
    slots: [],
    problems: ["topology.yaml:2"],
  },
  "unknown-keys": {
    usable: ["spark-1"],
    misconfigured: [],
    slots: ["main"],
    problems: ["topology.yaml:6 slot", "topology.yaml:5 nodes.0.hots"],
  },
  "user-with-line-break": {
    usable: [],
    misconfigured: ["spark-1"],
    slots: [],
    problems: ["topology.yaml:3 nodes.0.user"],
  },
};

const services: Readonly<Record<string, BrokenServices>> = {
  "bad-values": {
    further: ["fine"],
    problems: [
      "services-overrides.yaml:6 services.kokoro",
      "services-overrides.yaml:16 services.Bad Name",
      "services-overrides.yaml:4 services.parakeet.host",
      "services-overrides.yaml:5 services.parakeet.node",
      "services-overrides.yaml:3 services.parakeet.port",
      "services-overrides.yaml:8 services.qdrant.kind",
      "services-overrides.yaml:9 services.qdrant.disabled",
      "services-overrides.yaml:11 services.matrix-bridge.user",
      "services-overrides.yaml:12 services.wiki",
      "services-overrides.yaml:14 services.web",
    ],
  },
  list: {
    further: [],
    problems: ["services-overrides.yaml:1 services"],
  },
};

const folder = new URL("broken/", import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(`${name}.yaml`, folder), "utf8");
const placesOf = (problems: readonly Problem[]): string[] =>
  problems.map(({ source, line, path }) => `${source}:${line} ${path}`.trim());

const SHIPPED = {
  name: "models.yaml",
  text: "models:\n  alpha: { repo: example/alpha }\n  beta: { local_path: /models/beta }\n",
};

test("every fixture has an expectation, and there are at least thirty", () => {
  const fixtures = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const expected = [
    ...Object.keys(models).map((name) => `models-${name}.yaml`),
    ...Object.keys(topology).map((name) => `topology-${name}.yaml`),
    ...Object.keys(services).map((name) => `services-${name}.yaml`),
  ];

  expect(fixtures.sort()).toEqual(expected.sort());
  expect(expected.length).toBeGreaterThanOrEqual(30);
});

describe("a broken models-overrides.yaml", () => {
  test.each(Object.entries(models))("%s", (name, { served, problems }) => {
    const overrides = { name: "models-overrides.yaml", text: fixture(`models-${name}`) };

    const catalog = loadCatalog({ shipped: SHIPPED, overrides });

    expect(catalog.models.map((model) => model.key)).toEqual(["alpha", "beta", ...served]);
    expect(catalog.models.slice(0, 2).map((model) => model.origin)).toEqual(["shipped", "shipped"]);
    expect(placesOf(catalog.problems)).toEqual([...problems]);
  });
});

describe("a broken topology.yaml", () => {
  test.each(Object.entries(topology))("%s", (name, { usable, misconfigured, slots, problems }) => {
    const file = { name: "topology.yaml", text: fixture(`topology-${name}`) };

    const loaded = loadTopology({ files: { topology: file }, env: {} });

    const named = (status: string) => loaded.nodes.filter((node) => node.status === status).map((node) => node.name);
    expect(named("configured")).toEqual([...usable]);
    expect(named("misconfigured")).toEqual([...misconfigured]);
    expect(loaded.slots.map((slot) => slot.name)).toEqual([...slots]);
    expect(placesOf(loaded.problems)).toEqual([...problems]);
  });
});

describe("a broken services-overrides.yaml", () => {
  test.each(Object.entries(services))("%s", (name, { further, problems }) => {
    const file = { name: "services-overrides.yaml", text: fixture(`services-${name}`) };

    const loaded = loadTopology({
      files: { services: file },
      env: { SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice" },
    });

    expect(loaded.services.slice(7).map((service) => service.name)).toEqual([...further]);
    expect(loaded.services.slice(0, 6).map((service) => service.port)).toEqual([8000, 8001, 8880, 8002, 8003, 6333]);
    expect(placesOf(loaded.problems)).toEqual([...problems]);
  });
});
