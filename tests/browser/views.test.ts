/** Every view and state: axe finds nothing, nothing is cut or covered, nothing moves when data arrive. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { axeViolations } from "./axe.ts";
import { inBrowser, launchChromium } from "./browser.ts";
import { layoutFaults, type Shift, shiftsOf, showAt, watchShifts } from "./layout.ts";
import { ALL_SCENES, stage } from "./scenes.ts";

setDefaultTimeout(240_000);

const WIDTHS = [360, 768, 1280, 1920];
const HEIGHT = 900;
/** Where each theme is checked with axe: the layout of a telephone and that of a desk. */
const CHECKED_WIDTHS = new Set([360, 1280]);
const THEMES = ["light", "dark"] as const;
/** Cumulative Layout Shift up to which a page counts as still: https://web.dev/articles/cls */
const MOST_SHIFT = 0.1;

inBrowser("every view", () => {
  let browser: Browser;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  for (const scene of ALL_SCENES.filter(({ isSlow }) => !isSlow))
    test(scene.name, async () => {
      let shifts: readonly Shift[] = [];
      const { page, complaints, close } = await stage(browser, scene, {
        prepare: watchShifts,
        arrived: async (arrived) => {
          shifts = await shiftsOf(arrived);
        },
      });
      try {
        const faults: string[] = [];
        for (const width of WIDTHS.filter((each) => each === (scene.width ?? each))) {
          await showAt(page, width, HEIGHT);
          for (const fault of await layoutFaults(page)) faults.push(`${width} px: ${fault}`);
          // Without the motion that a change of theme makes: what is measured is where it ends.
          for (const colorScheme of CHECKED_WIDTHS.has(width) ? THEMES : []) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            for (const violation of await axeViolations(page)) faults.push(`${width} px, ${colorScheme}: ${violation}`);
          }
        }
        expect(faults).toEqual([]);
        const moved = shifts.reduce((sum, { value }) => sum + value, 0);
        console.log(`${scene.name}: moved ${moved.toFixed(3)} while its data arrived`);
        expect(moved, JSON.stringify(shifts)).toBeLessThanOrEqual(MOST_SHIFT);
        // Three have lost their server, the others got an answer of 404 or 422, of which the console is told.
        const isTold = ["connection-lost", "updated", "settings-diagnostics", "no-such-page", "settings-changed"];
        if (!isTold.includes(scene.name)) expect(complaints).toEqual([]);
      } finally {
        await close();
      }
    });
});
