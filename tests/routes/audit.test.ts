import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { AuditEntry } from "../../lib/audit/audit.ts";
import { isExempt, isReading } from "../../lib/http/same-origin.ts";
import { type AppUnderTest, endpointsOf, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
let base: string;
beforeEach(async () => {
  under = await startApp();
  base = `http://127.0.0.1:${under.listen()}`;
});
afterEach(() => under.close());

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
async function entries(query = ""): Promise<AuditEntry[]> {
  const answer = await fetch(`${base}/api/audit?limit=500${query}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { entries: AuditEntry[] }).entries;
}
const requests = async () => (await entries()).filter(({ via }) => via !== "controller");

describe("the audit log", () => {
  test("has an entry for every route that changes something, done or refused", async () => {
    const changing = endpointsOf(under.app).filter(
      ({ method, path }) =>
        !isReading(method) &&
        path.startsWith("/api/") &&
        !isExempt(path) &&
        !/swap\/plan$|validate$|setup\/check$/.test(path),
    );
    expect(changing.length).toBeGreaterThan(10);

    for (const { method, url } of changing) {
      const answer = await send(method, url, method === "DELETE" ? undefined : {});
      await answer.body?.cancel();
      const [newest] = await requests();
      expect(newest).toMatchObject({ method, path: url, status: answer.status, via: "api", address: "127.0.0.1" });
      expect(newest?.request_id).toBe(answer.headers.get("x-request-id"));
      expect(newest?.outcome).toBe(answer.ok ? "done" : answer.status < 500 ? "refused" : "failed");
      expect([method, url, newest?.code === null]).toEqual([method, url, answer.ok]);
    }
  });

  test("has none for looking", async () => {
    await send("GET", "/api/status");
    await send("POST", "/api/swap/plan", { model: "gpt-oss-20b" });
    await send("POST", "/api/nothing", {});
    await send("POST", "/api/status", {});

    expect(await requests()).toEqual([]);
  });

  test("says who: a browser, another client by its name; an address that no trusted proxy tells does not count", async () => {
    const body = { owner: "crm", title: "Index", cron: "0 3 * * *" };
    await send("POST", "/api/schedule", body, { origin: base, "user-agent": "Mozilla/5.0" });
    await send("POST", "/api/schedule", body, { "user-agent": "nightly/1.0", "x-forwarded-for": "192.168.1.7" });

    expect(await requests()).toMatchObject([
      { via: "api", user_agent: "nightly/1.0", address: "127.0.0.1", outcome: "done", status: 201 },
      { via: "dashboard", user_agent: "Mozilla/5.0", details: { owner: "crm", title: "Index", origin: base } },
    ]);
  });

  test("tells of what the guards refused", async () => {
    await send("POST", "/api/swap", { model: "x" }, { origin: "https://evil.example" });
    await fetch(`${base}/api/swap`, { method: "POST", body: "model=x", headers: { "content-type": "text/plain" } });

    expect(await requests()).toMatchObject([
      { action: "startSwap", outcome: "refused", status: 415, code: "not_json" },
      { outcome: "refused", status: 403, code: "cross_origin", details: { origin: "https://evil.example" } },
    ]);
  });

  test("has no token and no secret, wherever it was put", async () => {
    const SECRET = "tok-5f2d7c11e0";
    await send("POST", "/api/webhooks", { url: "http://192.168.1.2/", secret: SECRET });
    await send("POST", `/api/swap?token=${SECRET}`, { model: "x", lock_token: SECRET, token: SECRET });
    await send("DELETE", "/api/swap/lock", undefined, { "x-swap-lock-token": SECRET });
    await send("POST", "/api/swap/lock", { holder: "crm", token: SECRET, request_id: SECRET });
    await send("POST", "/api/webhooks", { url: 5, secret: SECRET });

    const text = JSON.stringify(await entries());
    const file = await (await fetch(`${base}/api/audit/export?format=ndjson`)).text();
    expect(text).toContain("startSwap");
    expect(text + file + under.logged.join("\n")).not.toContain(SECRET);
    expect(await entries("&action=startSwap")).toMatchObject([{ details: { model: "x", with_token: true } }]);
  });

  test("names the holder of a reservation, who forced it and why, and never its token", async () => {
    const held = async () =>
      ((await (await send("POST", "/api/swap/lock", { holder: "nightly", note: "index" })).json()) as { token: string })
        .token;
    const first = await held();
    await send("DELETE", "/api/swap/lock", undefined, { "x-swap-lock-token": first });
    const second = await held();
    await send("DELETE", "/api/swap/lock?force=true&reason=it%20hangs", undefined, { origin: base });
    await send("DELETE", "/api/swap/lock", { token: second });

    expect(await requests()).toMatchObject([
      { action: "releaseLock", holder: null, details: { with_token: true } },
      { action: "releaseLock", via: "dashboard", holder: "nightly", details: { force: "true", reason: "it hangs" } },
      { action: "acquireLock", holder: "nightly", details: { note: "index" } },
      { action: "releaseLock", via: "api", holder: "nightly", details: { with_token: true } },
      { action: "acquireLock", holder: "nightly" },
    ]);
    const text = JSON.stringify(await entries());
    for (const token of [first, second]) expect(text).not.toContain(token);
  });

  test("tells refusals of different models and of different reservations apart", async () => {
    const held = async (holder: string) =>
      ((await (await send("POST", "/api/swap/lock", { holder })).json()) as { token: string }).token;
    const refused = async (model: string) =>
      expect((await send("POST", "/api/services/none/stop", { model })).status).toBeGreaterThanOrEqual(400);
    const wrong = () => send("DELETE", "/api/swap/lock", undefined, { "x-swap-lock-token": "not-a-token" });
    const token = await held("nightly");
    for (const model of ["a", "b", "b"]) await refused(model);
    expect((await wrong()).status).toBe(403);
    expect((await wrong()).status).toBe(403);
    expect((await send("POST", "/api/swap/lock", { holder: "crm" })).status).toBe(409);
    await send("DELETE", "/api/swap/lock", undefined, { "x-swap-lock-token": token });
    await held("nightly");
    expect((await wrong()).status).toBe(403);

    const all = (await entries("&outcome=refused")).map(({ holder, code, count, details }) => ({
      ...{ holder, code, count, details },
    }));
    expect(all).toMatchObject([
      { holder: "nightly", code: "wrong_token", count: 1, details: { reserved_by: "nightly", reservation: 2 } },
      { holder: "crm", code: "reserved", count: 1, details: { reserved_by: "nightly", reservation: 1 } },
      { holder: "nightly", code: "wrong_token", count: 2, details: { reserved_by: "nightly", reservation: 1 } },
      { count: 2, details: { model: "b" } },
      { count: 1, details: { model: "a" } },
    ]);
  });

  test("has which settings were changed where some were, and nothing of them elsewhere", async () => {
    await send("PATCH", "/api/settings", { values: { stall_seconds: 60 } });
    await send("POST", "/api/swap/lock", { holder: "nightly" });

    expect((await requests()).map(({ details }) => details)).toEqual([
      { holder: "nightly" },
      { values: ["stall_seconds"] },
    ]);
  });

  test("is filtered and paged", async () => {
    for (let at = 0; at < 5; at++)
      await send("POST", "/api/schedule", { id: `e${at}`, owner: "crm", title: "T", cron: "0 3 * * *" });
    await send("DELETE", "/api/schedule?id=none");

    expect(await entries("&outcome=refused")).toMatchObject([
      { action: "removeScheduleEntry", details: { id: "none" } },
    ]);
    expect(await entries("&q=e3")).toHaveLength(1);
    expect(await entries("&to=2020-01-01T00:00:00Z")).toEqual([]);
    expect((await fetch(`${base}/api/audit?from=yesterday`)).status).toBe(422);

    const seen: number[] = [];
    for (let before = ""; ; ) {
      const { entries: page, next } = (await (await fetch(`${base}/api/audit?via=api&limit=2${before}`)).json()) as {
        entries: AuditEntry[];
        next: number | null;
      };
      seen.push(...page.map(({ id }) => id));
      if (next === null) break;
      before = `&before=${next}`;
    }
    expect(seen).toHaveLength(6);
    expect(seen).toEqual([...seen].sort((a, b) => b - a));
  });

  test("is exported as CSV", async () => {
    await send("POST", "/api/schedule", { owner: "crm", title: "=1+1", cron: "0 3 * * *" }, { "user-agent": "=cmd" });

    const answer = await fetch(`${base}/api/audit/export?via=api`);
    expect(answer.headers.get("content-type")).toStartWith("text/csv");
    expect(answer.headers.get("content-disposition")).toContain("spark-control-audit.csv");
    const lines = (await answer.text()).trimEnd().split("\r\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toStartWith("id,at,via");
    expect(lines[1]).toContain("'=cmd");
  });

  test("knows that the controller was started", async () => {
    expect(await entries("&via=controller")).toMatchObject([
      { action: "controller.started", details: { version: "1.2.3" } },
    ]);
  });
});
