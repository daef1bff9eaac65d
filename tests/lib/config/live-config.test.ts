import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigDiff, createLiveConfig, type LiveConfig } from "../../../lib/live-config.ts";

const TOPOLOGY = `nodes:
  - { name: spark-1, host: 10.77.0.11, user: alice }
  - { name: spark-2, host: 10.77.0.12, user: alice }
`;
const NOTHING: ConfigDiff = {
  nodes: [],
  slots: [],
  services: [],
  settings: false,
  models: [],
  hosts: false,
  problems: false,
};

let folder: string;
let dataDir: string;
let live: LiveConfig | undefined;
let busy: ReturnType<typeof setInterval> | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "live-config-"));
  dataDir = join(folder, "data");
  mkdirSync(dataDir);
  writeFileSync(
    join(folder, "models.yaml"),
    "models:\n  alpha: { repo: example/alpha }\n  beta: { repo: example/beta }\n",
  );
});

afterEach(() => {
  clearInterval(busy);
  live?.close();
  live = undefined;
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string | Uint8Array): void => writeFileSync(join(dataDir, name), text);

/** Starts, with what was told to onChange, and a promise of the first telling. */
function start(options: { pollMs?: number; dataDir?: string } = {}) {
  const told: ConfigDiff[] = [];
  const first = Promise.withResolvers<ConfigDiff>();
  live = createLiveConfig({
    dataDir,
    env: {},
    shippedCatalogPath: join(folder, "models.yaml"),
    debounceMs: 20,
    pollMs: 60_000,
    ...options,
    onChange: (diff) => {
      told.push(diff);
      first.resolve(diff);
    },
  });
  return { live, told, first: first.promise };
}

describe("reading", () => {
  test("missing files are fine", () => {
    const { live } = start();

    expect(live.current.topology.nodes).toEqual([]);
    expect(live.current.catalog.models.map((model) => model.key)).toEqual(["alpha", "beta"]);
    expect(live.current.problems).toEqual([]);
  });

  test("a missing folder is fine", () => {
    const { live } = start({ dataDir: join(folder, "nowhere") });

    expect(live.current.problems).toEqual([]);
  });

  test("hosts.json is taken up while it runs, and its end too", async () => {
    const { live, first, told } = start();
    expect(live.current.hosts).toEqual([]);

    write("hosts.json", '["control.example"]');

    expect(await first).toEqual({ ...NOTHING, hosts: true });
    expect(live.current.hosts).toEqual(["control.example"]);
    rmSync(join(dataDir, "hosts.json"));
    expect(live.reload()).toEqual({ ...NOTHING, hosts: true });
    expect(told).toHaveLength(2);
  });

  test("problems of all files are collected", () => {
    write("topology.yaml", "nodes: 5\n");
    write("services-overrides.yaml", "services: 5\n");
    write("models-overrides.yaml", "models: 5\n");

    const sources = start().live.current.problems.map((problem) => problem.source);

    expect(sources).toEqual(["topology.yaml", "services-overrides.yaml", "models-overrides.yaml"]);
  });

  test.each<[string, string, () => void]>([
    ["a folder", "This is not a regular file.", () => mkdirSync(join(dataDir, "topology.yaml"))],
    ["too large", "The file is larger than 1 MiB.", () => write("topology.yaml", "#".repeat(1024 * 1024 + 1))],
    ["not UTF-8", "The file is not UTF-8 text.", () => write("topology.yaml", new Uint8Array([0x61, 0xff, 0xfe]))],
    [
      "a named pipe",
      "This is not a regular file.",
      () => expect(Bun.spawnSync(["mkfifo", join(dataDir, "topology.yaml")]).exitCode).toBe(0),
    ],
  ])("a file that is %s is a problem", (_, message, make) => {
    make();

    const { live } = start();

    const instead = "Nothing of this file is used.";
    expect(live.current.problems).toEqual([{ source: "topology.yaml", line: null, path: "", message, instead }]);
  });

  test("a missing shipped catalog leaves the overrides", () => {
    rmSync(join(folder, "models.yaml"));
    write("models-overrides.yaml", "models:\n  mine: { repo: example/mine }\n");

    expect(start().live.current.catalog.models.map((model) => model.key)).toEqual(["mine"]);
  });
});

describe("a reload", () => {
  test("tells only what changed", () => {
    write("topology.yaml", TOPOLOGY);
    write("models-overrides.yaml", "models:\n  alpha: { nodes: 2 }\n");
    const { live, told } = start();

    write("topology.yaml", TOPOLOGY.replace("10.77.0.12", "10.77.0.13"));
    live.reload();
    write("models-overrides.yaml", "models:\n  alpha: { nodes: 2 }\n  beta: null\n");
    live.reload();

    expect(told).toEqual([
      { ...NOTHING, nodes: ["spark-2"] },
      { ...NOTHING, models: ["beta"] },
    ]);
  });

  test("that changes nothing tells nothing and keeps the very value", () => {
    write("topology.yaml", TOPOLOGY);
    const { live, told } = start();
    const before = live.current;

    write("topology.yaml", `# a comment\n${TOPOLOGY}`);

    expect(live.reload()).toEqual(NOTHING);
    expect(told).toEqual([]);
    expect(live.current).toBe(before);
  });

  test("of a file that has become broken shows it and keeps no old value", () => {
    write("topology.yaml", TOPOLOGY);
    const { live, told } = start();

    write("topology.yaml", `${TOPOLOGY}settings: {\n`);
    live.reload();

    expect(told).toEqual([
      { ...NOTHING, nodes: ["spark-1", "spark-2"], slots: ["main"], services: expect.any(Array), problems: true },
    ]);
    expect(live.current.topology.nodes).toEqual([]);
    expect(live.current.problems.map(({ source, path }) => [source, path])).toEqual([["topology.yaml", ""]]);
  });

  test("leaves a value alone that someone still holds", () => {
    write("topology.yaml", TOPOLOGY);
    const { live } = start();
    const held = live.current;

    write("topology.yaml", "nodes: []\n");
    live.reload();

    expect(held.topology.nodes.length).toBe(2);
    expect(live.current.topology.nodes.length).toBe(0);
  });
});

describe("a change on disk", () => {
  test("is noticed", async () => {
    const { live, first } = start();

    write("topology.yaml", TOPOLOGY);

    expect((await first).nodes).toEqual(["spark-1", "spark-2"]);
    expect(live.current.topology.nodes.length).toBe(2);
  });

  test("is noticed when an editor renames a new file over the old one", async () => {
    write("topology.yaml", TOPOLOGY);
    const { first } = start();

    write(".topology.yaml.tmp", TOPOLOGY.replace("10.77.0.11", "10.77.0.21"));
    renameSync(join(dataDir, ".topology.yaml.tmp"), join(dataDir, "topology.yaml"));

    expect((await first).nodes).toEqual(["spark-1"]);
  });

  test("is noticed while another file of the folder is written all the time", async () => {
    const { first } = start();
    busy = setInterval(() => write("state.sqlite-wal", String(Math.random())), 2);

    write("topology.yaml", TOPOLOGY);

    expect((await first).nodes).toEqual(["spark-1", "spark-2"]);
  });

  test("is noticed when a file is removed", async () => {
    write("topology.yaml", TOPOLOGY);
    const { first } = start();

    rmSync(join(dataDir, "topology.yaml"));

    expect((await first).nodes).toEqual(["spark-1", "spark-2"]);
  });

  test("is noticed by looking, where no notice can come", async () => {
    const later = join(folder, "later");
    const { first } = start({ dataDir: later, pollMs: 20 });

    mkdirSync(later);
    writeFileSync(join(later, "models-overrides.yaml"), "models:\n  alpha: null\n");

    expect((await first).models).toEqual(["alpha"]);
  });
});
