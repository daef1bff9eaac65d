import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StaticFile, staticFiles } from "../../../lib/http/static-files.ts";

const SCRIPT = "export const words = 'again and again';\n".repeat(200);

describe("files of the dashboard", () => {
  let folder: string;
  let files: StaticFile[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spark-files-"));
    await Bun.write(join(folder, "app-1a2b3c4d5e.js"), SCRIPT);
    await Bun.write(join(folder, "font-1a2b3c4d5e.woff2"), new Uint8Array(500));
    await Bun.write(join(folder, "index.html"), "<!doctype html><html><title>x</title></html>");
    files = await staticFiles(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const ask = (path: string, headers: Record<string, string> = {}) =>
    files.find((file) => file.path === path)!.respond(new Request(`http://localhost${path}`, { headers }));

  test("text is sent compressed to whoever can read it, and is the same text", async () => {
    const answer = ask("/app-1a2b3c4d5e.js", { "accept-encoding": "br, gzip" });
    const bytes = new Uint8Array(await answer.arrayBuffer());

    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(answer.headers.get("vary")).toBe("accept-encoding");
    expect(bytes.byteLength).toBeLessThan(SCRIPT.length / 10);
    expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toBe(SCRIPT);
  });

  test.each([{}, { "accept-encoding": "br" }, { "accept-encoding": "gzip;q=0, br" }])(
    "plain for %p",
    async (headers) => {
      const answer = ask("/app-1a2b3c4d5e.js", headers);

      expect(answer.headers.get("content-encoding")).toBeNull();
      expect(await answer.text()).toBe(SCRIPT);
    },
  );

  test("a page says how things are at this moment, and has a tag for each", async () => {
    const page = files.find((file) => file.path === "/")!;
    let first = "held";
    const look = () => ({ "data-first": first, "data-news": '"><script>' });
    const asked = (headers = {}) => page.respond(new Request("http://localhost/", { headers }), { look });

    const held = asked();
    expect(await held.text()).toBe(
      '<!doctype html><html data-first="held" data-news="&quot;&gt;&lt;script&gt;"><title>x</title></html>',
    );
    expect(asked({ "if-none-match": held.headers.get("etag")! }).status).toBe(304);
    first = "";
    expect(asked({ "if-none-match": held.headers.get("etag")! }).status).toBe(200);
    expect(asked().headers.get("cache-control")).toBe("no-cache");
  });

  test("fonts are sent as they are", () => {
    expect(ask("/font-1a2b3c4d5e.woff2", { "accept-encoding": "gzip" }).headers.get("content-encoding")).toBeNull();
  });

  test("each form has a tag of its own, and is not sent again to whoever has it", () => {
    const tag = (headers: Record<string, string>) => ask("/", headers).headers.get("etag")!;
    const [plain, small] = [tag({}), tag({ "accept-encoding": "gzip" })];

    expect(plain).not.toBe(small);
    expect(ask("/", { "accept-encoding": "gzip", "if-none-match": small }).status).toBe(304);
    expect(ask("/", { "accept-encoding": "gzip", "if-none-match": plain }).status).toBe(200);
    expect(ask("/", { "if-none-match": `W/${plain}` }).status).toBe(304);
  });
});
