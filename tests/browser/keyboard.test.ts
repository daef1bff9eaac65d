/** The dashboard without a mouse, and in forced colours. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "./browser.ts";
import { live } from "./wording.ts";

setDefaultTimeout(60_000);

const MOST_STOPS = 200;
const PHONE = { width: 360, height: 800 };

/** What has the focus: its name, whether that can be seen, and what lies above it. Null at the end of the page. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return null;
    // A field draws it around its label, which has the picture too; a radio button around its word.
    const drawn = [element, element.closest("label"), element.nextElementSibling];
    const isShown = drawn.some((each) => {
      const style = each && getComputedStyle(each);
      return style && (style.outlineStyle !== "none" || style.boxShadow !== "none");
    });
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    // A bar that is higher than the window cannot be seen as a whole: its beginning counts.
    const at = { x: box.x + box.width / 2, y: box.y + Math.min(box.height / 2, 40) };
    const above = document.elementFromPoint(at.x, at.y)?.closest(".rail, .topbar");
    const isCovered = above != null && !above.contains(element);
    const isOutside = at.y < 0 || at.y > innerHeight;
    const name = element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40);
    return { name: `${element.localName} ${name}`, isShown, isCovered, isOutside };
  });

inBrowser("without a mouse", () => {
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

  for (const { path, title } of PAGES.filter(({ path }) => !path.includes(":")))
    test(`${title} on a phone: what has the focus is seen, and never under the bar`, async () => {
      const { page } = await openPage(browser, demo.url + path, { viewport: PHONE, reducedMotion: "reduce" });
      await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
      await page.waitForFunction(() =>
        [...document.querySelectorAll(".bone")].every((bone) => !bone.checkVisibility()),
      );
      const wrong: unknown[] = [];
      let stops = 0;

      for (; stops < MOST_STOPS; stops++) {
        await page.keyboard.press("Tab");
        const stop = await focused(page);
        if (stop === null) break;
        if (!stop.isShown || stop.isCovered || stop.isOutside) wrong.push(stop);
      }

      expect(stops).toBeGreaterThan(5);
      expect(wrong).toEqual([]);
      await page.context().close();
    });

  test("in forced colours the page that is open and the row that serves stand out", async () => {
    const { page } = await openPage(browser, demo.url, { forcedColors: "active" });
    await page.getByRole("row", { name: /^GPT-OSS 20B/ }).waitFor();
    const background = (name: string) =>
      page
        .getByRole("navigation", { name: "Main" })
        .getByRole("link", { name })
        .evaluate((link) => getComputedStyle(link).backgroundColor);
    const outline = (name: RegExp) =>
      page
        .getByRole("row", { name })
        .first()
        .evaluate((row) => getComputedStyle(row).outlineStyle);

    expect(await background("Overview")).not.toBe(await background("Models"));
    expect(await outline(/^GPT-OSS 20B/)).toBe("solid");
    expect(await outline(/^GPT-OSS 120B/)).toBe("none");
    await page.context().close();
  });
});
