/**
 * Nothing moves when the data arrive, on a phone and at a desk. The skeleton is painted before any script runs and each
 * answer comes by itself, so that whatever is not as high as what replaces it is seen.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page, Request } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "./browser.ts";
import { type Shift, shiftsOf, watchShifts } from "./layout.ts";
import { FIRST_RUN, failing } from "./scene.ts";
import { live, swapButton, swapDialog } from "./wording.ts";

setDefaultTimeout(60_000);

/** Of the window, as in Cumulative Layout Shift: a row's text that breaks differently is below, a panel that grows is not. */
const MOST_SHIFT = 0.005;
/** The skeleton has then been painted, and each answer is painted before the next one. */
const SCRIPT_MS = 300;
const ANSWER_MS = 100;
/** What follows a press within half a second does not count as a shift. */
const AFTER_PRESS_MS = 600;
/** A note of two lines in small print beside an answer makes its row that much higher. */
const MOST_MOVED_PX = 2;
const SCREENS = {
  "a phone": { viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true },
  "a larger phone": { viewport: { width: 412, height: 823 }, isMobile: true, hasTouch: true },
  "a tablet": { viewport: { width: 768, height: 1024 }, hasTouch: true },
  "a desk": { viewport: { width: 1280, height: 900 } },
  "a wide desk": { viewport: { width: 1920, height: 1080 } },
} as const;

interface Place {
  readonly id: string;
  readonly path: string;
  /** Of what has an identifier there is one that failed and one that did not. */
  readonly how: "failed" | "ready" | null;
}
const PLACES: readonly Place[] = PAGES.flatMap(({ id, path }): readonly Place[] =>
  path.includes(":")
    ? [
        { id, path, how: "failed" },
        { id, path, how: "ready" },
      ]
    : [{ id, path, how: null }],
);

inBrowser("while the data arrive", () => {
  let browser: Browser;
  let demo: Demo;
  let firstRun: Demo;
  let failed: string;
  let ready: string;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({ hostname: ownHostname() });
    firstRun = await startDemo({ hostname: ownHostname(), ...FIRST_RUN });
    await failing(demo);
    [failed, ready] = demo.plane.swaps.list(2).map(({ job_id }) => job_id) as [string, string];
  });
  afterAll(async () => {
    await demo?.close();
    await firstRun?.close();
    await browser?.close();
  });

  async function expectDialogStill(what: string, screen: (typeof SCREENS)[keyof typeof SCREENS]): Promise<void> {
    const { page } = await openPage(browser, "about:blank", screen);
    await watchShifts(page);
    await page.goto(demo.url);
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    const planComes = Promise.withResolvers<void>();
    await page.route("**/api/swap/plan", async (route) => {
      await planComes.promise;
      await route.continue();
    });
    const dialog = swapDialog(page, "GPT-OSS 120B");
    const parts = {
      dialog,
      title: dialog.getByRole("heading").first(),
      close: dialog.getByRole("button", { name: "Close" }),
      answer: dialog.getByRole("button", { name: /^Keep / }),
    };
    const topsOf = () =>
      Promise.all(Object.entries(parts).map(async ([name, part]) => [name, (await part.boundingBox())!.y] as const));
    await swapButton(page, "GPT-OSS 120B").click();
    await dialog.getByText("Looking at the Sparks.").waitFor();
    const before = await shiftsOf(page);
    const waiting = new Map(await topsOf());
    await Bun.sleep(AFTER_PRESS_MS);
    planComes.resolve();
    await dialog.getByText("It fits, with").waitFor();
    const shifts = (await shiftsOf(page)).slice(before.length);
    const there = await topsOf();
    await page.context().close();

    const moved = shifts.reduce((sum, { value }) => sum + value, 0);
    console.log(`${what}: moved ${moved.toFixed(4)}`);
    // Figures of the page behind it may become wider meanwhile.
    expect(moved, JSON.stringify(shifts)).toBeLessThan(MOST_SHIFT);
    for (const [name, top] of there)
      expect(Math.abs(top - waiting.get(name)!), name).toBeLessThanOrEqual(MOST_MOVED_PX);
  }

  /** What the page has asked for and not got yet. */
  function waitedFor(page: Page): ReadonlySet<Request> {
    const pending = new Set<Request>();
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/api/") && pathname !== "/api/events") pending.add(request);
    });
    page.on("requestfinished", (request) => void pending.delete(request));
    page.on("requestfailed", (request) => void pending.delete(request));
    return pending;
  }
  async function comeSlowly(page: Page): Promise<void> {
    const later = (pattern: RegExp | string, delayMs: number) =>
      page.route(pattern, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await route.continue();
      });
    await later(/\.js$/, SCRIPT_MS);
    await later("**/api/**", ANSWER_MS);
  }

  async function expectStill(what: string, url: string, screen: (typeof SCREENS)[keyof typeof SCREENS]): Promise<void> {
    const { page } = await openPage(browser, "about:blank", screen);
    await watchShifts(page);
    await comeSlowly(page);
    const pending = waitedFor(page);

    await page.goto(url);
    await live(page).or(page.getByText("Live").first()).first().waitFor({ state: "attached" });
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".bone, swap-log:not(:defined)")].every((bone) => !bone.checkVisibility()),
    );
    // What an answer leads to asks once more, and is painted.
    let shifts: readonly Shift[];
    do {
      await until("its answers are there", () => pending.size === 0);
      shifts = await shiftsOf(page);
    } while (pending.size > 0);
    await page.context().close();

    const moved = shifts.reduce((sum, { value }) => sum + value, 0);
    console.log(`${what}: moved ${moved.toFixed(4)}`);
    expect(moved, JSON.stringify(shifts)).toBeLessThan(MOST_SHIFT);
  }

  for (const [where, screen] of Object.entries(SCREENS)) {
    for (const { id, path, how } of PLACES) {
      const what = `${id}${how ? ` that is ${how}` : ""} on ${where}`;
      test(`${what} stays where it is`, () =>
        expectStill(what, demo.url + path.replace(":id", how === "ready" ? ready : failed), screen));
    }
    test(`the plan of a swap on ${where} comes into a dialog that stays where it is`, () =>
      expectDialogStill(`the dialog of a swap on ${where}`, screen));
    // No banner is there, as with real Sparks when all is well.
    test(`the first run on ${where} stays where it is`, () =>
      expectStill(`the first run on ${where}`, firstRun.url, screen));
  }
});
