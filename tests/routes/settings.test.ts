/** Settings over HTTP: read, changed while everything runs, and taken up at once. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ChangedSettings, SettingsView } from "../../lib/settings/settings.ts";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

setDefaultTimeout(20_000);

let under: AppUnderTest;
let base: string;
beforeAll(async () => {
  under = await startApp();
  base = `http://127.0.0.1:${under.listen()}`;
});
afterAll(() => under.close());

async function send<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const answer = await fetch(base + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
}

describe("settings", () => {
  test("a name that was refused is served as soon as it is allowed, and refused again after undo", async () => {
    const open = () => under.call("GET", "/api/status", { headers: { host: "ai.example.net" } });
    expect((await open()).status).toBe(421);

    const { version } = (await send<SettingsView>("GET", "/api/settings")).body;
    const changed = await send<ChangedSettings>("PATCH", "/api/settings", {
      values: { allowed_hosts: ["ai.example.net"] },
      version,
    });
    expect(changed.status).toBe(200);
    expect((await open()).status).toBe(200);

    expect((await send("PATCH", "/api/settings", changed.body.undo)).status).toBe(200);
    expect((await open()).status).toBe(421);
  });

  test("an old version is a conflict, a malformed value has its place, and the audit log has the keys", async () => {
    const old = await send("PATCH", "/api/settings", { values: { stall_seconds: 60 }, version: "0123456789abcdef" });
    expect(old).toMatchObject({ status: 409, body: { code: "changed_meanwhile" } });
    const malformed = await send("PATCH", "/api/settings", { values: { stall_seconds: 1 } });
    expect(malformed).toMatchObject({ status: 422, body: { errors: [{ path: "/values/stall_seconds" }] } });

    const { entries } = (await send<{ entries: { action: string; details: unknown }[] }>("GET", "/api/audit")).body;
    const changes = entries.filter(({ action }) => action === "changeSettings");
    expect(changes[0]).toMatchObject({ details: { values: ["stall_seconds"] } });
  });

  test("a service is added, shown among the endpoints, and removed", async () => {
    const path = "/api/settings/services/chat-2";
    expect(await send("PATCH", path, { values: { kind: "vllm", host: "10.77.0.19", port: 8889 } })).toMatchObject({
      status: 200,
    });
    expect(JSON.stringify((await send("GET", "/api/endpoints")).body)).toContain("10.77.0.19:8889");
    expect((await send("DELETE", path)).status).toBe(200);
    expect(await send("DELETE", path)).toMatchObject({ status: 404, body: { code: "no_such_service" } });
  });
});
