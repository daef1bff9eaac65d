import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProblemDocument } from "../../lib/http/problem.ts";
import { staticFiles } from "../../lib/http/static-files.ts";
import { createApp } from "../../routes/_app.ts";
import { type AppUnderTest, LISTED_ORIGIN, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
beforeAll(async () => {
  under = await startApp();
});
afterAll(() => under.close());

describe("every answer", () => {
  test.each([
    ["GET", "/health"],
    ["GET", "/nothing-here"],
    ["POST", "/health"],
    ["OPTIONS", "/health"],
    ["GET", "/api/events"],
  ])("of %s %s carries the security headers and a request id", async (method, path) => {
    const { headers, body } = await under.call(method, path);
    await body?.cancel();

    expect(headers.get("content-security-policy")).not.toContain("unsafe-inline");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.has("x-spark-simulated")).toBe(false);
  });

  test("of a page says what to run, where the dashboard has not been built", async () => {
    const answer = await under.call("GET", "/", { headers: { accept: "text/html,*/*" } });

    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "text/plain; charset=utf-8"]);
    expect(await answer.text()).toContain("bun run build");
  });

  test("of the simulated cluster says so", async () => {
    const app = createApp({ ...under.plane, simulated: true });

    for (const path of ["/health", "/nothing-here"]) {
      const answer = await app.handle(new Request(`http://localhost${path}`, { headers: { host: "localhost" } }));
      expect(answer.headers.get("x-spark-simulated")).toBe("1");
    }
  });
});

describe("a page of a listed origin", () => {
  const headers = { origin: LISTED_ORIGIN };

  test("may read, streams included", async () => {
    for (const path of ["/api/status", "/api/events"]) {
      const answer = await under.call("GET", path, { headers });
      await answer.body?.cancel();
      expect(answer.headers.get("access-control-allow-origin")).toBe(LISTED_ORIGIN);
    }
    const preflight = await under.call("OPTIONS", "/api/status", {
      headers: { ...headers, "access-control-request-method": "GET" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("GET");
  });

  test("may not swap", async () => {
    const answer = await under.call("POST", "/api/swap", {
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-oss-20b" }),
    });
    expect(answer.status).toBe(403);
  });

  test("of another origin learns nothing", async () => {
    const answer = await under.call("GET", "/api/status", { headers: { origin: "https://evil.example.com" } });
    expect(answer.headers.has("access-control-allow-origin")).toBe(false);
  });
});

describe("errors", () => {
  test("an unknown address is a problem document", async () => {
    const answer = await under.call("GET", "/api/nothing-here");

    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect((await answer.json()) as ProblemDocument).toMatchObject({
      type: "urn:spark-control:problem:not_found",
      title: "Not Found",
      status: 404,
      code: "not_found",
      request_id: answer.headers.get("x-request-id"),
    });
  });

  test("below /v1/ it is OpenAI's envelope, and says that the controller failed", async () => {
    const answer = await under.call("GET", "/v1/nothing-here");

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error: { type: "not_found_error", code: "not_found", param: null, failed_by: "controller" },
    });
  });

  test("a wrong method is told the right ones", async () => {
    const answer = await under.call("DELETE", "/health");

    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });

  test("a shape that does not fit is told field by field", async () => {
    const headers = { "content-type": "application/json" };
    const answer = await under.call("POST", "/api/swap", { headers, body: '{"model": 5}' });

    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: "invalid", errors: [{ path: "/model", in: "body" }] });
  });

  test("broken JSON is 422", async () => {
    const headers = { "content-type": "application/json" };
    const answer = await under.call("POST", "/api/swap", { headers, body: '{"model": ' });

    expect([answer.status, ((await answer.json()) as ProblemDocument).code]).toEqual([422, "malformed"]);
  });
});

describe("the dashboard's files", () => {
  const folder = mkdtempSync(join(tmpdir(), "spark-public-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const app = createApp(under.plane, await staticFiles(folder));
    return app.handle(new Request(`http://localhost${path}`, { headers: { host: "localhost", ...headers } }));
  };
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>x</title>");
  writeFileSync(join(folder, "assets/app-1a2b3c4d.js"), "export {};");
  writeFileSync(join(folder, ".env"), "SECRET=1");

  test("/ is index.html, asked for again each time, and answered 304 when unchanged", async () => {
    const first = await get("/");
    const again = await get("/", { "if-none-match": first.headers.get("etag")! });

    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "no-cache"]);
    expect(first.headers.get("content-type")).toStartWith("text/html");
    expect(first.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("a file with a hash in its name is kept for ever", async () => {
    const answer = await get("/assets/app-1a2b3c4d.js");

    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
  });

  test("pages.json says which page is at which address; people get its page for the rest, programs a problem", async () => {
    const site = mkdtempSync(join(tmpdir(), "spark-pages-"));
    const pages = { "/": "index.html", "/activity/:id": "one.html", "*": "missing.html" };
    writeFileSync(join(site, "pages.json"), JSON.stringify(pages));
    for (const name of Object.values(pages)) writeFileSync(join(site, name), `<!doctype html><html lang="en">${name}`);
    const files = await staticFiles(site);
    const app = createApp(under.plane, files);
    const person = { host: "localhost", accept: "text/html,*/*" };
    const ask = async (path: string, headers: Record<string, string> = person, method = "GET") => {
      const answer = await app.handle(new Request(`http://localhost${path}`, { headers, method }));
      return [answer.status, answer.headers.get("content-type")?.split(";")[0], await answer.text()] as const;
    };

    const [status, type, page] = await ask("/activity/1");
    expect([status, type]).toEqual([200, "text/html"]);
    expect(page).toMatch(
      /^<!doctype html><html data-first="[^"]*\bnodes-\d+ slots-\d+ services-\d+ swaps-\d+ failed-\d+" lang="en">one\.html$/,
    );
    expect((await ask("/nowhere")).slice(0, 2)).toEqual([404, "text/html"]);
    expect((await ask("/nowhere"))[2]).toContain("missing.html");
    for (const path of ["/api/nowhere", "/v1/nowhere", "/api", "/v1"]) expect((await ask(path))[1]).toEndWith("json");
    expect((await ask("/nowhere", { host: "localhost" }))[1]).toBe("application/problem+json");
    expect((await ask("/nowhere", person, "POST"))[0]).toBe(404);
    expect((await ask("/*"))[0]).toBe(404);
    expect((await ask("/pages.json"))[0]).toBe(404);
    rmSync(site, { recursive: true });
  });

  test.each(["/.env", "/assets/../.env", "/assets/%2e%2e/.env", "/assets"])(
    "nothing else is there: %s",
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );
});
