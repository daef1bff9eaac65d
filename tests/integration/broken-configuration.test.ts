/** The controller starts with whatever files it finds: what cannot be used is shown with its place, the rest is served. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../lib/status.ts";
import { Controller, makeDataDir } from "../support/controller.ts";

// More than forty processes are started, one after the other.
setDefaultTimeout(240_000);

const BROKEN = join(import.meta.dir, "../lib/config/broken");
const TARGET: Readonly<Record<string, string>> = {
  models: "models-overrides.yaml",
  topology: "topology.yaml",
  services: "services-overrides.yaml",
};

async function statusWith(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  const data = makeDataDir(files);
  const controller = await Controller.start({ dataDir: data.dataDir, env });
  try {
    const status = await controller.get<Status>("/api/status");
    const { models } = await controller.get<{ models: { key: string }[] }>("/api/models");
    const swap = await controller.post("/api/swap", { model: models[0]?.key });
    return { status, models, swap: swap.status };
  } finally {
    await controller.stop();
    data.remove();
  }
}

test("each of the broken files: it starts, serves the shipped models, and shows the problems of that file", async () => {
  const fixtures = readdirSync(BROKEN).filter((name) => name.endsWith(".yaml"));
  expect(fixtures.length).toBeGreaterThanOrEqual(30);
  const shipped = (await statusWith({})).models.map(({ key }) => key);
  for (const name of fixtures) {
    const file = TARGET[name.split("-")[0] ?? ""] ?? "";
    const { status, models } = await statusWith({ [file]: readFileSync(join(BROKEN, name), "utf8") });
    const keys = models.map(({ key }) => key);
    expect(status.problems.length, name).toBeGreaterThan(0);
    expect(
      status.problems.map(({ source }) => source),
      name,
    ).toContain(file);
    expect(keys.filter((key) => shipped.includes(key)).length, name).toBeGreaterThanOrEqual(shipped.length - 1);
  }
});

test("a malformed SPARK1_HOST is shown as misconfigured; nothing takes its place", async () => {
  const { status, swap } = await statusWith({}, { SPARK1_HOST: "-oProxyCommand=touch /tmp/x", SPARK1_USER: "alice" });
  expect(status.nodes).toMatchObject([{ name: "spark-1", state: "misconfigured", host: null }]);
  expect(status.nodes[0]?.reason).toContain("SPARK1_HOST");
  expect(status).toMatchObject({ simulated: false, configured: false, slots: [] });
  expect(swap).toBe(503);
});

test("without any Spark: set-up is asked for, nothing simulated appears", async () => {
  const { status, swap } = await statusWith({});
  expect(status).toMatchObject({ simulated: false, configured: false, nodes: [], slots: [], problems: [] });
  expect(status.public_key).toStartWith("ssh-ed25519 ");
  expect(swap).toBe(503);
});
