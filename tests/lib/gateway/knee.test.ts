import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { kneeOf, type Level, levels, measure } from "../../../lib/gateway/knee.ts";

setDefaultTimeout(60_000);

/** What a closed load measures at a service of so many at a time. */
const modelled = (servers: number, most: number, serviceMs = 100): Level[] =>
  levels(most).map((concurrency) => ({
    concurrency,
    perSecond: (Math.min(concurrency, servers) * 1000) / serviceMs,
    latencyMs: serviceMs * Math.max(1, concurrency / servers),
    failed: 0,
  }));

describe("the knee", () => {
  test("levels grow by about a half", () => {
    expect(levels(32)).toEqual([1, 2, 3, 4, 6, 8, 12, 16, 24, 32]);
    expect(levels(1)).toEqual([1]);
  });

  test.each([1, 2, 4, 12, 32])("of a service of %i at a time is there", (servers) => {
    expect(kneeOf(modelled(servers, 128))).toMatchObject({ limit: servers, isReached: true });
  });

  test("of one that grows to the end is said to lie beyond", () => {
    expect(kneeOf(modelled(500, 64))).toMatchObject({ limit: 64, isReached: false });
  });

  test("of one that shares its time, as batching does, is where latency has doubled", () => {
    const shared = levels(128).map((concurrency) => {
      const latencyMs = 100 * (1 + concurrency / 16);
      return { concurrency, latencyMs, perSecond: (concurrency * 1000) / latencyMs, failed: 0 };
    });

    expect(kneeOf(shared).limit).toBe(16);
  });

  test("passes over levels with failures; nothing else is no knee", () => {
    const all = modelled(8, 16).map((level) =>
      level.concurrency > 8 ? { ...level, failed: 3, perSecond: 1e9 } : level,
    );

    expect(kneeOf(all).limit).toBe(8);
    expect(() => kneeOf([])).toThrow(RangeError);
  });
});

describe("against a service of four at a time", () => {
  const SERVERS = 4;
  const SERVICE_MS = 60;
  let server: Bun.Server<undefined> | null = null;
  afterEach(() => server?.stop(true));

  async function isAsked(request: Request): Promise<boolean> {
    const { pathname } = new URL(request.url);
    if (pathname !== "/v1/audio/transcriptions")
      return ((await request.json()) as { model: string }).model === "acme/one";
    const form = await request.formData();
    return form.get("model") === "acme/one" && (form.get("file") as File).size > 100_000;
  }

  /** Four tickets; whoever has none waits in line. */
  function start(): string {
    let free = SERVERS;
    const line: (() => void)[] = [];
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        if (new URL(request.url).pathname === "/v1/models") return Response.json({ data: [{ id: "acme/one" }] });
        if (!(await isAsked(request))) return new Response(null, { status: 404 });
        if (free > 0) free--;
        else await new Promise<void>((resolve) => line.push(resolve));
        await Bun.sleep(SERVICE_MS);
        const next = line.shift();
        if (next) next();
        else free++;
        return Response.json({});
      },
    });
    return `http://127.0.0.1:${server.port}`;
  }

  test.each([
    ["chat", "chat"],
    ["rerank", "text"],
    ["transcription", "audio"],
  ])("the command finds it (%s)", async (kind, setting) => {
    const url = start();
    const command = [
      process.execPath,
      join(import.meta.dir, "../../../lib/gateway/_knee.ts"),
      url,
      "--kind",
      kind,
      "--most",
      "12",
      "--seconds",
      "0.8",
    ];
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [said, complained, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    const limit = Number(new RegExp(`gateway_${setting}_in_flight: (\\d+)`).exec(said)?.[1]);

    expect([code, complained]).toEqual([0, ""]);
    // A busy machine may blur it by one level.
    expect(limit).toBeGreaterThanOrEqual(3);
    expect(limit).toBeLessThanOrEqual(6);
  });

  test("an address that is none is told how it is used", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../../lib/gateway/_knee.ts"), "nonsense"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });

    expect(await child.exited).toBe(2);
    expect(await new Response(child.stderr).text()).toStartWith("usage: bun run knee URL");
  });

  test.each([
    ["where nothing listens", () => "http://127.0.0.1:1"],
    [
      "of something else",
      () => {
        server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("no", { status: 404 }) });
        return `http://127.0.0.1:${server.port}`;
      },
    ],
  ])("an address %s is told in one line", async (_, url) => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../../lib/gateway/_knee.ts"), url()], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });

    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+ cannot be measured: .+\n$/);
  });

  test("a failure ends the level and is counted", async () => {
    const level = await measure(() => Promise.reject(new Error("no")), 3, 1_000);

    expect(level).toMatchObject({ concurrency: 3, failed: 3, perSecond: 0 });
  });
});
