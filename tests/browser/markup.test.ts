/** Text from models, notes, hosts and logs never becomes markup: each of them tries to. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { live, logOf, swapButton } from "./wording.ts";

setDefaultTimeout(90_000);

/** Would run a script, show an element and ask for a file if it were ever parsed. */
const MARKUP = '<img src="/planted" onerror="planted=1"><b id=planted>';
const quoted = JSON.stringify(MARKUP);
const MODELS = `models:
  evil: { name: ${JSON.stringify(`Evil ${MARKUP}`)}, repo: example/evil, note: ${quoted}, quantization: ${quoted}, size_gb: 14, gpu_memory_utilization: 0.4 }
  broken: { name: ${quoted}, repo: ${quoted} }
  ? ${quoted}
  : { repo: example/key }
`;

inBrowser("text that would be markup", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  let job_id: string;
  const asked: string[] = [];
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({
      hostname: ownHostname(),
      files: { "models-overrides.yaml": MODELS },
      // A host name that cannot be one, so that it is shown as a problem; a note of a node that can.
      topology: (yaml) =>
        `${yaml.replace("nodes:\n", `nodes:\n  - name: spark-9\n    host: ${quoted}\n    user: ${quoted}\n`)}\n`,
    });
    const held = await demo.post("/api/swap/lock", { holder: MARKUP, note: MARKUP });
    const { token } = (await held.json()) as { token: string };
    const begun = await demo.post("/api/swap", { model: "evil", lock_token: token });
    ({ job_id } = (await begun.json()) as { job_id: string });
    for (const source of ["launch", "controller", MARKUP])
      demo.plane.swapLog.append(job_id, source, `${MARKUP} in a line`);
    const planned = { id: "evil", title: MARKUP, owner: MARKUP, note: MARKUP, cron: "0 3 * * *" };
    const webhook = { url: "http://127.0.0.1:9/hook", description: MARKUP };
    expect((await demo.post("/api/schedule", planned)).status).toBe(201);
    await demo.post("/api/webhooks", webhook);
    watched = await openPage(browser, demo.url);
    watched.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.close();
  });

  async function expectNothingPlanted(): Promise<void> {
    const { page, complaints } = watched;
    expect(await page.locator("#planted, img, [onerror]").count()).toBe(0);
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
    await page
      .getByRole("dialog", { name: `Swap to Evil ${MARKUP}?` })
      .getByText("It fits, with")
      .waitFor();
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
