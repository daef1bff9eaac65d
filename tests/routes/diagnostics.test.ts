/** What is passed on for help: everything that tells something, and no secret that this controller knows. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

setDefaultTimeout(20_000);

let under: AppUnderTest;
beforeAll(async () => {
  under = await startApp();
});
afterAll(() => under.close());

const diagnostics = async () => (await under.call("GET", "/api/diagnostics")).text();

test("it has the state, the last swaps and who knocked in vain", async () => {
  const said = JSON.parse(await diagnostics()) as Record<string, unknown>;

  expect(Object.keys(said).sort()).toEqual(["health", "host_keys", "refused_hosts", "status", "swaps", "upgrade"]);
  expect(said).toMatchObject({ health: { version: "1.2.3" }, status: { slots: [] }, swaps: [] });
});

test("secrets of webhooks, of models and of the key are left out wherever they turn up", async () => {
  const knock = (name: string) => under.call("GET", "/", { headers: { host: name } });
  const [, keyLine = ""] = readFileSync(join(under.dataDir, "id_ed25519"), "utf8").split("\n");
  writeFileSync(
    join(under.dataDir, "models-overrides.yaml"),
    "models:\n  one: { repo: acme/one, nodes: 1, env: { ACME_TOKEN: model.secret.example } }\n",
  );
  under.plane.config.reload();
  const { id } = under.plane.webhooks.add({ url: "http://10.77.0.30/", secret: "first.secret.example" });
  for (const name of ["first.secret.example", "second.secret.example", "model.secret.example", "plain.example"])
    expect((await knock(name)).status).toBe(421);
  expect(await diagnostics()).toContain("second.secret.example");

  under.plane.webhooks.change(id, { secret: "second.secret.example" });

  const said = await diagnostics();
  // The one that was replaced signs for a while yet.
  expect(said).not.toMatch(/(?:first|second|model)\.secret\.example/);
  expect(said).toContain("plain.example");
  expect(keyLine.length).toBeGreaterThan(16);
  expect(under.plane.redacted([`x ${keyLine} y`])).toEqual(["x … y"]);
});
