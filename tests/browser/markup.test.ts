/** Text that comes from outside never becomes markup, and is shown as it is: each of them tries to. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { SCENES, type Staged, stage } from "./scenes.ts";
import { live, logOf, swapButton, swapDialog } from "./wording.ts";

setDefaultTimeout(90_000);

/** Would run a script, show an element and ask for a file if it were ever parsed. */
const MARKUP = '<img src="/planted" onerror="planted=1"><b id=planted>';
const quoted = JSON.stringify(MARKUP);
/** Of a user agent only the word up to the first blank or slash is shown. */
const AGENT = "<u>agent";
/** Of a path only what follows the last slash. */
const PROCESS = "<img src=planted onerror=planted=1>";
const region = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** Where what comes from outside is shown, and what has to be opened to see it. */
const PLACES: readonly {
  readonly what: string;
  readonly path: string;
  readonly text: string;
  readonly open?: (page: Page) => Promise<void>;
  readonly within: (page: Page) => Locator;
}[] = [
  {
    what: "whoever started a swap",
    path: "/activity",
    text: AGENT,
    within: (page) => region(page, "Swaps"),
  },
  {
    what: "the user agent in a row of the audit log",
    path: "/activity",
    text: AGENT,
    within: (page) => region(page, "Who did what"),
  },
  {
    what: "the title of a plan in a row of the audit log",
    path: "/activity",
    text: `Planned “title ${MARKUP}”`,
    within: (page) => region(page, "Who did what"),
  },
  {
    what: "the model that a request asked for",
    path: "/activity",
    text: `asked ${MARKUP}`,
    within: (page) => region(page, "Requests"),
  },
  {
    what: "the title of a plan",
    path: "/automation",
    text: `title ${MARKUP}`,
    within: (page) => region(page, "Planned by others"),
  },
  {
    what: "the owner of a plan",
    path: "/automation",
    text: `owner ${MARKUP}`,
    within: (page) => region(page, "Planned by others"),
  },
  {
    what: "the holder of the reservation",
    path: "/automation",
    text: `holder ${MARKUP}`,
    within: (page) => region(page, "Reservation"),
  },
  {
    what: "the name of a webhook",
    path: "/automation",
    text: `hook ${MARKUP}`,
    within: (page) => region(page, "Webhooks"),
  },
  {
    what: "the address of a webhook",
    path: "/automation",
    text: `http://127.0.0.1:9/${MARKUP}`,
    within: (page) => region(page, "Webhooks"),
  },
  {
    what: "the name of a process on the GPU",
    path: "/machines",
    text: PROCESS,
    open: (page) => region(page, "spark-2").getByText("Memory by process").click(),
    within: (page) => region(page, "spark-2"),
  },
  {
    what: "why a Spark was out of reach",
    path: "/machines",
    text: `outage ${MARKUP}`,
    within: (page) => region(page, "Connection"),
  },
  {
    what: "the log of a service",
    path: "/services",
    text: `service ${MARKUP}`,
    open: (page) => page.getByRole("button", { name: "Details of kokoro" }).click(),
    within: (page) => page.getByRole("log", { name: "Log of kokoro" }),
  },
  {
    what: "the log of a bot",
    path: "/services",
    text: `bot ${MARKUP}`,
    open: (page) => page.getByRole("button", { name: "Details of matrix-bridge" }).click(),
    within: (page) => page.getByRole("log", { name: "Log of matrix-bridge" }),
  },
  {
    what: "what the update of a bot wrote",
    path: "/services",
    text: `update ${MARKUP}`,
    open: async (page) => {
      const body = `event: output\ndata: ${JSON.stringify({ lines: [{ seq: 1, line: `update ${MARKUP}` }] })}\n\nevent: end\ndata: {}\n\n`;
      await page.route("**/matrix-bridge/update/stream", (route) =>
        route.fulfill({ contentType: "text/event-stream", body }),
      );
      await page.getByRole("button", { name: "Details of matrix-bridge" }).click();
    },
    within: (page) => page.getByRole("log", { name: "Output of the update of matrix-bridge" }),
  },
  ...["reason", "evidence", "advice"].map((what) => ({
    what: `the ${what} of a failed swap`,
    path: "/activity/:failed",
    text: `${what} ${MARKUP}`,
    within: (page: Page) => page.getByRole("main"),
  })),
  {
    what: "the name of a service that cannot be one",
    path: "/settings",
    text: JSON.stringify(`svc ${MARKUP}`),
    within: (page) => region(page, "Could not be used"),
  },
];
/** One check of a Spark, whose every word is markup. */
const CHECK = {
  ...{ node: "spark-1", check: "host_key", title: "Identity", state: "failed" },
  ...{ seen: `seen ${MARKUP}`, evidence: `evidence ${MARKUP}` },
  fix: { text: `fix ${MARKUP}`, where: null, lines: [`line ${MARKUP}`] },
  confirm: { fingerprint: `print ${MARKUP}`, type: "ssh-ed25519", expected: null, command: `command ${MARKUP}` },
};
const MODELS = `models:
  evil: { name: ${JSON.stringify(`Evil ${MARKUP}`)}, repo: example/evil, note: ${quoted}, quantization: ${quoted}, size_gb: 14, gpu_memory_utilization: 0.4 }
  broken: { name: ${quoted}, repo: ${quoted} }
  ? ${quoted}
  : { repo: example/key }
`;

const untilKilled = ({ signal }: { readonly signal: AbortSignal }) =>
  new Promise<number>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

inBrowser("text that would be markup", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  let job_id: string;
  let failed: string;
  const asked: string[] = [];
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({
      hostname: ownHostname(),
      machineTiming: { hardwareMs: 300 },
      serviceFile: (yaml) => `${yaml}  ? ${JSON.stringify(`svc ${MARKUP}`)}\n  : { node: spark-1 }\n`,
      files: { "models-overrides.yaml": MODELS },
      // A host name that cannot be one, so that it is shown as a problem; a note of a node that can.
      topology: (yaml) =>
        `${yaml.replace("nodes:\n", `nodes:\n  - name: spark-9\n    host: ${quoted}\n    user: ${quoted}\n`)}\n`,
    });
    demo.cluster.inject({ kind: "out_of_memory", times: 1 });
    ({ job_id: failed } = await demo.swap("gpt-oss-20b"));
    await demo.restart(() => {
      const facts = new Database(join(demo.dataDir, "facts.db"));
      facts.run(
        `UPDATE swap SET document = json_set(document, '$.job.reason', ?1, '$.job.failure.message', ?1, '$.job.failure.evidence', ?2,
           '$.job.failure.advice', ?3) WHERE job_id = ?4`,
        [`reason ${MARKUP}`, `evidence ${MARKUP}`, `advice ${MARKUP}`, failed],
      );
      const [began, ended] = [Date.now() - 120_000, Date.now() - 60_000];
      facts.run("INSERT INTO outage (node, began_at, ended_at, level, reason) VALUES (?, ?, ?, ?, ?)", [
        ...["spark-1", began, ended, "no_ssh"],
        `outage ${MARKUP}`,
      ]);
      facts.close();
    });
    const worker = demo.cluster.nodes[1]!;
    const { process } = worker.processes.spawn({ argv: [PROCESS] }, untilKilled);
    Object.assign(process, { usesGpu: true, memoryKb: 1_000_000 });
    for (const [container, word] of [
      ["kokoro", "service"],
      ["matrix-bridge", "bot"],
    ] as const)
      worker.docker.find(container)!.log.append(`${word} ${MARKUP}\n`);
    demo.cluster.inject({ kind: "service_update_denied", service: "matrix-bridge" });
    expect((await demo.post("/api/services/matrix-bridge/update", {})).status).toBe(202);
    const held = await demo.post("/api/swap/lock", { holder: `holder ${MARKUP}`, note: MARKUP });
    const { token } = (await held.json()) as { token: string };
    const begun = await fetch(`${demo.url}/api/swap`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": AGENT },
      body: JSON.stringify({ model: "evil", lock_token: token }),
    });
    ({ job_id } = (await begun.json()) as { job_id: string });
    for (const source of ["launch", "controller", MARKUP])
      demo.plane.swapLog.append(job_id, source, `${MARKUP} in a line`);
    const planned = { id: "evil", title: `title ${MARKUP}`, owner: `owner ${MARKUP}`, note: MARKUP, cron: "0 3 * * *" };
    const webhook = { url: `http://127.0.0.1:9/${MARKUP}`, name: `hook ${MARKUP}` };
    const registered = await fetch(`${demo.url}/api/schedule`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": AGENT },
      body: JSON.stringify(planned),
    });
    expect(registered.status).toBe(201);
    expect((await demo.post("/api/webhooks", webhook)).status).toBe(201);
    await (await demo.post("/v1/chat/completions", { model: `asked ${MARKUP}`, messages: [] })).text();
    watched = await openPage(browser, demo.url);
    watched.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  async function expectNothingPlanted(at: Pick<Staged, "page" | "complaints"> = watched): Promise<void> {
    const { page, complaints } = at;
    expect(await page.locator("#planted, img, u, [onerror]").count()).toBe(0);
    expect(await page.evaluate(() => "planted" in window && Reflect.get(window, "planted") === 1)).toBe(false);
    expect(asked).not.toContain("/planted");
    expect(complaints).toEqual([]);
  }

  test("the lines of a log show it as it is", async () => {
    const { page } = watched;
    await page.goto(`${demo.url}/activity/${job_id}`);
    await page.getByRole("searchbox", { name: "Search the log" }).fill("<img");
    await logOf(page).getByText("in a line").first().waitFor();
    await logOf(page).locator("mark").first().waitFor();
    expect(await logOf(page).locator("mark").first().textContent()).toBe("<img");
    const [line] = await logOf(page).getByRole("paragraph").filter({ hasText: "in a line" }).allTextContents();
    expect(line).toEndWith(`${MARKUP} in a line`);
    await expectNothingPlanted();
  });

  for (const { path, title } of PAGES.filter(({ path }) => !path.includes(":")))
    test(`${title} shows names, notes and hosts as they are`, async () => {
      const { page } = watched;
      await page.goto(demo.url + path);
      await live(page).first().waitFor();
      await page.getByText("<img", { exact: false }).first().waitFor();
      await expectNothingPlanted();
    });

  for (const { what, path, text, open, within } of PLACES)
    test(`${what} is shown as it is`, async () => {
      const { page } = watched;
      await page.goto(demo.url + path.replace(":failed", failed));
      await live(page).first().waitFor();
      await open?.(page);
      await within(page).getByText(text, { exact: false }).first().waitFor();
      await expectNothingPlanted();
    });

  test("what a Spark said while it was set up is shown as it is", async () => {
    const events = [
      ["checks", { nodes: [{ node: "spark-1", checks: [{ check: "host_key", title: "Identity" }] }] }],
      ["result", CHECK],
      ["end", {}],
    ] as const;
    const body = events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
    const scene = SCENES.find(({ name }) => name === "set-up-check")!;
    const prepare = async (page: Page) => {
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.route("**/api/setup/check", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    };
    const staged = await stage(browser, scene, { prepare, arrived: async () => undefined });
    try {
      const words = ["seen", "fix", "line", "print", "command", "evidence"].map((word) => `${word} ${MARKUP}`);
      await staged.page.getByText("What spark-1 said").click();
      for (const text of words) await staged.page.getByText(text).first().waitFor();
      await expectNothingPlanted(staged);
    } finally {
      await staged.close();
    }
  });

  test("so does the plan of a swap, and its page", async () => {
    const { page } = watched;
    await page.goto(`${demo.url}/activity/${job_id}`);
    await page
      .getByRole("heading", { name: `Evil ${MARKUP}` })
      .first()
      .waitFor();
    await expectNothingPlanted();
    await demo.plane.swaps.settled(job_id);
    const lock = await fetch(`${demo.url}/api/swap/lock?force=true`, { method: "DELETE" });
    expect(lock.status).toBe(200);
    await demo.swap("gpt-oss-20b");
    await page.goto(`${demo.url}/models`);
    await swapButton(page, `Evil ${MARKUP}`).click();
    await swapDialog(page, `Evil ${MARKUP}`).getByText("It fits, with").waitFor();
    await expectNothingPlanted();
  });

  test("the policy allows no inline script or style, and nothing from elsewhere", async () => {
    const answer = await fetch(demo.url);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(policy).not.toMatch(/https?:|\*/);
    const html = await answer.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:/i);
    expect(html.match(/(?:src|href)="(?!\/|#)[^"]*"/g) ?? []).toEqual([]);
    expect(watched.foreign).toEqual([]);
  });

  test("a script that gets in all the same does not run", async () => {
    const { page } = watched;
    await page.evaluate((text) => {
      const place = document.createElement("div");
      place.innerHTML = text;
      document.body.append(place);
    }, MARKUP);
    await page.locator("#planted").waitFor({ state: "attached" });
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>("#planted, img")?.complete !== false);
    expect(await page.evaluate(() => Reflect.get(window, "planted") === 1)).toBe(false);
    expect(watched.complaints.some((text) => text.includes("Content Security Policy"))).toBe(true);
  });
});
