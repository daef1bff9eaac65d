/** The examples of docs/COORDINATION.md about webhooks, schedule and audit do what the text says. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditEntry } from "../../lib/audit/audit.ts";
import type { Schedule } from "../../lib/schedule/schedule.ts";
import { WEBHOOK_EVENTS, type Webhook } from "../../lib/webhook/webhook.ts";
import { type AppUnderTest, startApp } from "../routes/_app-under-test.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { consumerFolder, example } from "./_examples.ts";

setDefaultTimeout(60_000);

const DOCUMENT = "docs/COORDINATION.md";
const COMMANDS: Readonly<Record<string, string>> = { ts: process.execPath, python: "python3", sh: "bash" };

let under: AppUnderTest;
let spark: string;
let folder: string;
beforeAll(async () => {
  under = await startApp();
  spark = `http://127.0.0.1:${under.listen()}`;
  folder = await consumerFolder();
}, 120_000);
afterAll(async () => {
  await under.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(language: string, name: string, { replace = [] as [string, string][], env = {} } = {}) {
  const code = replace.reduce((text, [from, to]) => text.replace(from, to), example(DOCUMENT, language, name));
  const file = join(folder, `${name}.${language}`);
  writeFileSync(file, code);
  const child = Bun.spawn([COMMANDS[language]!, file], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, SPARK: spark, ...env },
    stdout: "pipe",
    stderr: "inherit",
  });
  const said = { text: "" };
  const reading = (async () => {
    for await (const chunk of child.stdout) said.text += new TextDecoder().decode(chunk);
  })();
  return { child, said, reading };
}

/** Runs it to its end. @returns what it printed */
async function run(language: string, name: string, options = {}): Promise<string> {
  const { child, said, reading } = start(language, name, options);
  expect(await child.exited).toBe(0);
  await reading;
  return said.text;
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const port = server.port!;
  server.stop(true);
  return port;
}

async function receives(language: string): Promise<void> {
  const port = freePort();
  const { child, said } = start(language, "receiver", { env: { PORT: String(port) } });
  try {
    await until("the receiver listens", () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      ),
    );
    const added = await run("sh", "add", { replace: [["<receiver>:8080", `127.0.0.1:${port}`]] });
    const { id } = JSON.parse(added) as Webhook;
    const tried = await (await fetch(`${spark}/api/webhooks/${id}/test`, { method: "POST" })).json();
    await until("it says what came", () => said.text.includes("test"));
    const delivery = `${spark}/api/webhooks/deliveries/${tried.id}`;
    await until("it is delivered", async () => (await (await fetch(delivery)).json()).state === "delivered");

    // Once more under the same id: taken, and not done again.
    await fetch(`${delivery}/redeliver`, { method: "POST" });
    await until("it is delivered again", async () => {
      const { state, attempts } = await (await fetch(delivery)).json();
      return state === "delivered" && attempts === 2;
    });
    expect(said.text.trim()).toBe("test");

    // Not from Spark Control: refused.
    const forged = await fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      body: '{"event":"swap_complete","data":{}}',
      headers: {
        "webhook-id": "x",
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-signature": "v1,AAAA",
      },
    });
    expect(forged.status).toBe(401);
    await fetch(`${spark}/api/webhooks/${id}`, { method: "DELETE" });
  } finally {
    child.kill();
    await child.exited;
  }
}

describe("webhooks", () => {
  test("a receiver in TypeScript", () => receives("ts"));
});

describe("schedule", () => {
  test("by curl and by the typed client", async () => {
    const [registered, schedule] = (await run("sh", "schedule"))
      .split(/(?<=\})(?=\{"now")/)
      .map((text) => JSON.parse(text));
    expect(registered).toMatchObject({ id: "nightly-index", stale: null });
    // Two nights, and for a while after three o'clock the run that goes on.
    const { now, runs } = schedule as Schedule;
    expect(runs.filter(({ starts_at }) => starts_at >= now)).toHaveLength(2);
    expect(new Set(runs.map(({ entry_id }) => entry_id))).toEqual(new Set(["nightly-index"]));
    expect(await run("ts", "schedule")).toBe("retrain 2030-01-31T21:00:00.000+00:00\n");
  });
});

requirement(
  "the Python examples",
  Bun.which("python3") !== null,
  "python3 is not installed (apt-get install python3)",
)("in Python", () => {
  test("a receiver", () => receives("python"));

  test("a planned run", async () => {
    expect(await run("python", "schedule")).toMatch(/^\d{4}-\d{2}-\d{2}T0[23]:30:00.000\+00:00\n$/);
  });
});

test("audit: what was refused, and the file", async () => {
  await fetch(`${spark}/api/schedule?id=nothing`, { method: "DELETE" });

  const { entries } = JSON.parse(await run("sh", "audit")) as { entries: AuditEntry[] };
  expect(entries[0]).toMatchObject({ action: "removeScheduleEntry", status: 404 });
  expect(readFileSync(join(folder, "audit.csv"), "utf8")).toContain("removeScheduleEntry");
});

describe("the page", () => {
  const page = readFileSync(join(import.meta.dir, "../..", DOCUMENT), "utf8");

  test("names every code that webhooks and schedule answer with", async () => {
    const codes = new Set<string>();
    for (const folder of [
      "lib/webhook",
      "lib/schedule",
      "routes/api/schedule",
      "routes/api/webhooks",
      "routes/api/audit",
    ])
      for (const file of new Bun.Glob("**/*.ts").scanSync({ cwd: join(import.meta.dir, "../..", folder) })) {
        const source = readFileSync(join(import.meta.dir, "../..", folder, file), "utf8");
        for (const [, code] of source.matchAll(/(?:new Fault\(\s*"\w+",\s*|refuse\(\s*)"([a-z_]+)"/g)) codes.add(code!);
      }

    expect(codes.size).toBeGreaterThan(15);
    expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  test("names every code that any request may be answered with", async () => {
    const root = join(import.meta.dir, "../..");
    const codes = new Set<string>();
    for (const file of new Bun.Glob("lib/http/**/*.ts").scanSync({ cwd: root })) {
      // What only `/api/simulated` answers.
      if (file === "lib/http/no-simulation.ts") continue;
      const source = readFileSync(join(root, file), "utf8");
      for (const [, code] of source.matchAll(/(?:new Fault\(\s*"\w+"|(?:problem|refuse)\(\s*\d{3}),\s*"([a-z_]+)"/g))
        codes.add(code!);
    }
    // Of each way in which one is written there, one at least.
    for (const code of ["unknown_field", "cross_origin", "not_found", "internal"]) expect(codes).toContain(code);

    const [, table] = /\n(\| any request .*?)\n\n/s.exec(page) ?? [];
    expect([...codes].filter((code) => !table?.includes(`\`${code}\``))).toEqual([]);
  });

  test("names every event that an endpoint can ask for", () => {
    expect(WEBHOOK_EVENTS.filter((event) => !page.includes(`\`${event}\``))).toEqual([]);
  });
});
