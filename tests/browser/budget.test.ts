/** What a visitor has to fetch before a page works: every page by itself, as a browser loads it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "./browser.ts";
import { heading, live } from "./wording.ts";

/** Scripts and styles of a page, compressed as they are served; fonts apart. */
const BUDGET_BYTES = 60_000;

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

  /** Bytes of each script and style sheet that is loaded under the path, compressed, by its name. */
  async function weigh(path: string): Promise<Map<string, number>> {
    const { page } = await openPage(browser, "about:blank");
    const names = new Set<string>();
    page.on("request", (request) => {
      if (["script", "stylesheet"].includes(request.resourceType())) names.add(new URL(request.url()).pathname);
    });
    await page.goto(demo.url + path);
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForLoadState("load");
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
      const answer = await fetch(demo.url + name, { headers: { "accept-encoding": "gzip" }, decompress: false });
      const bytes = await answer.arrayBuffer();
      expect(answer.headers.get("content-encoding"), name).toBe("gzip");
      weights.set(name, bytes.byteLength);
    }
    return weights;
  }

  for (const { id, path } of PAGES)
    test(`${id}: scripts and styles stay under ${BUDGET_BYTES / 1_000} KB compressed`, async () => {
      const weights = await weigh(path.replace(":id", demo.plane.swaps.list(1)[0]!.job_id));

      const sum = [...weights.values()].reduce((total, bytes) => total + bytes, 0);
      console.log(
        `${id}: ${(sum / 1_000).toFixed(1)} KB of ${BUDGET_BYTES / 1_000} KB; ${[...weights].map(([name, bytes]) => `${name.slice(1)} ${bytes}`).join(", ")}`,
      );
      for (const own of [/^\/worker-.*\.js$/, new RegExp(`^/${id}-.*\\.js$`), /^\/frame-.*\.css$/])
        expect([...weights.keys()].filter((name) => own.test(name))).toHaveLength(1);
      expect(sum).toBeLessThan(BUDGET_BYTES);
    });

  test("a page that is not opened is not loaded; one that is opened is there with its styles", async () => {
    const before = await weigh("/");
    expect([...before.keys()].filter((name) => name.startsWith("/settings-"))).toEqual([]);
    const { page, complaints } = await openPage(browser, demo.url);

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();

    await heading(page, "Settings").first().waitFor();
    await page.getByRole("region", { name: "Sparks and vLLM" }).getByRole("textbox").first().waitFor();
    const loaded = await page.evaluate(() =>
      [...document.styleSheets].map(({ href }) => (href ? new URL(href).pathname : "")),
    );
    expect(loaded.filter((name) => name.startsWith("/settings-"))).toHaveLength(1);
    expect(complaints).toEqual([]);
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
