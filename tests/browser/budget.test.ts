/** What a visitor has to fetch before a page works: every page by itself, as a browser loads it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "./browser.ts";
import { heading, live, logOf } from "./wording.ts";

/** Scripts and styles of a page, compressed as they are served; fonts apart. */
const BUDGET_BYTES = 60_000;
/** The overview, once somebody has touched it and a swap has shown its log: all that comes later than the first view is in it. */
const USED_BUDGET_BYTES = 63_000;
/** The log is shown as long as the swap goes on. */
const WATCHABLE_SPEED = 25;
/** Scripts and styles that a page waits for. */
const MOST_FILES = 6;

setDefaultTimeout(60_000);

inBrowser("the weight of a page", () => {
  let browser: Browser;
  let demo: Demo;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({ hostname: ownHostname() });
    await demo.swap("gpt-oss-20b");
  });
  afterAll(async () => {
    await demo?.close();
    await browser?.close();
  });

  /**
   * Bytes of each script and style sheet that is loaded under the path, compressed, by its name.
   * @param use what is done on the page before it is weighed
   */
  async function weigh({ url }: Demo, path: string, use?: (page: Page) => Promise<void>): Promise<Map<string, number>> {
    const { page } = await openPage(browser, "about:blank");
    const names = new Set<string>();
    page.on("request", (request) => {
      if (["script", "stylesheet"].includes(request.resourceType())) names.add(new URL(request.url()).pathname);
    });
    await page.goto(url + path);
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForLoadState("load");
    await use?.(page);
    // What the first data ask for has been asked for, and is there.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    await page.waitForFunction(
      (wanted) => {
        const there = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
        return wanted.every((name) => there.includes(name));
      },
      // Shared by all tabs: not among the resources of one.
      [...names].filter((name) => !name.startsWith("/worker-")),
    );
    await page.context().close();
    const weights = new Map<string, number>();
    for (const name of names) {
      const answer = await fetch(url + name, { headers: { "accept-encoding": "gzip" }, decompress: false });
      const bytes = await answer.arrayBuffer();
      expect(answer.headers.get("content-encoding"), name).toBe("gzip");
      weights.set(name, bytes.byteLength);
    }
    return weights;
  }

  for (const { id, path } of PAGES)
    test(`${id}: scripts and styles stay under ${BUDGET_BYTES / 1_000} KB compressed`, async () => {
      const weights = await weigh(demo, path.replace(":id", demo.plane.swaps.list(1)[0]!.job_id));

      const sum = [...weights.values()].reduce((total, bytes) => total + bytes, 0);
      console.log(
        `${id}: ${(sum / 1_000).toFixed(1)} KB of ${BUDGET_BYTES / 1_000} KB; ${[...weights].map(([name, bytes]) => `${name.slice(1)} ${bytes}`).join(", ")}`,
      );
      for (const own of [/^\/worker-.*\.js$/, new RegExp(`^/${id}-.*\\.js$`), /^\/styles-.*\.css$/])
        expect([...weights.keys()].filter((name) => own.test(name))).toHaveLength(1);
      expect(sum).toBeLessThan(BUDGET_BYTES);
      // Six at a time over HTTP/1.1: the worker comes later, a page has its files in one go.
      expect(weights.size - 1).toBeLessThanOrEqual(MOST_FILES);
    });

  test(`the overview stays under ${USED_BUDGET_BYTES / 1_000} KB with its dialogs and the log of a swap`, async () => {
    const slow = await startDemo({ hostname: ownHostname(), speed: WATCHABLE_SPEED });
    const weights = await weigh(slow, "/", async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog", { name: "Jump to a page or do something" }).waitFor();
      await slow.post("/api/swap", { model: "gpt-oss-120b" });
      await logOf(page).waitFor();
    }).finally(() => slow.close());

    const names = [...weights.keys()];
    const sum = [...weights.values()].reduce((total, bytes) => total + bytes, 0);
    console.log(
      `overview in use: ${(sum / 1_000).toFixed(1)} KB of ${USED_BUDGET_BYTES / 1_000} KB; ${names.join(", ")}`,
    );
    for (const part of ["/large-dialogs-", "/swap-log-"])
      expect(
        names.filter((name) => name.startsWith(part)),
        part,
      ).toHaveLength(1);
    expect(sum).toBeLessThan(USED_BUDGET_BYTES);
  });

  test("a page that is not opened is not loaded; one that is opened brings its script", async () => {
    const { page, complaints } = await openPage(browser, demo.url);
    const loaded = () =>
      page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname));
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    expect((await loaded()).filter((name) => name.startsWith("/settings-"))).toEqual([]);

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();

    await heading(page, "Settings").first().waitFor();
    await page.getByRole("region", { name: "Sparks and vLLM" }).getByRole("textbox").first().waitFor();
    expect((await loaded()).filter((name) => name.startsWith("/settings-"))).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test("the large dialogs come with the first sign of somebody, and a press that is too early waits for them", async () => {
    const { page, complaints } = await openPage(browser, "about:blank");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(demo.url);
    await heading(page, "Overview").first().waitFor();
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForLoadState("load");
    expect(asked.filter((name) => name.startsWith("/large-dialogs-"))).toEqual([]);

    await page.route("**/large-dialogs-*", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await route.continue();
    });
    await page.keyboard.press("Control+k");

    await page.getByRole("dialog", { name: "Jump to a page or do something" }).waitFor();
    expect(asked.filter((name) => name.startsWith("/large-dialogs-"))).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test("a dialog that cannot be had is told, and is there once somebody answers again", async () => {
    const { page } = await openPage(browser, demo.url);
    await heading(page, "Overview").first().waitFor();
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForLoadState("load");
    await page.context().setOffline(true);
    await page.keyboard.press("Control+k");
    await page.getByText("This cannot be opened: Spark Control does not answer.").waitFor();
    await page.context().setOffline(false);
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Jump to a page or do something" }).waitFor();
  });

  test("a page whose files are gone, as after an update, is loaded anew; one that nobody answers for is told", async () => {
    const { page } = await openPage(browser, demo.url);
    await page.evaluate(() => {
      document.querySelector<HTMLElement>("[data-page=machines]")!.dataset.script = "/machines-of-an-older-build.js";
    });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Machines" }).click();
    await page.waitForURL("**/machines");
    await page.getByRole("region", { name: "spark-1" }).waitFor();

    await page.context().setOffline(true);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Models" }).click();
    await page.getByText("This page cannot be opened: Spark Control does not answer.").waitFor();
    await page.context().setOffline(false);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Models" }).click();
    await page.getByRole("rowheader", { name: /^GPT-OSS 20B/ }).waitFor();
  });
});
