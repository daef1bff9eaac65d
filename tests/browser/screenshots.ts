/**
 * `bun run screenshots [scene…]`: pictures of every scene at every width, light and dark, into tests/screens (not kept in
 * git), and the few of the README into docs/images. What is cut, covered or scrolls sideways is said, and ends it with 1.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "../../public/_build.ts";
import { launchChromium } from "./browser.ts";
import { layoutFaults, showAt } from "./layout.ts";
import { ALL_SCENES, stage } from "./scenes.ts";

const SCREENS = join(import.meta.dir, "../screens");
const IMAGES = join(import.meta.dir, "../../docs/images");
const WIDTHS = [360, 768, 1280, 1920];
const HEIGHT = 900;
const THEMES = ["light", "dark"] as const;
/** Scene → its picture in the README. */
const README: Readonly<Record<string, { readonly file: string; readonly theme: "light" | "dark" }>> = {
  "readme-plan": { file: "plan-dialog.png", theme: "light" },
  "readme-loading": { file: "loading.png", theme: "dark" },
  "readme-failed": { file: "failed.png", theme: "light" },
};
const README_SIZE = { width: 1280, height: 800 };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !ALL_SCENES.some((scene) => scene.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no scene ${unknown.join(", ")}. There are: ${ALL_SCENES.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}
for (const folder of [SCREENS, IMAGES]) mkdirSync(folder, { recursive: true });
await buildDashboard();
const browser = await launchChromium();
let faults = 0;
try {
  for (const scene of ALL_SCENES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const { page, close } = await stage(browser, scene);
    try {
      for (const width of WIDTHS.filter((each) => each === (scene.width ?? each))) {
        await showAt(page, width, HEIGHT);
        for (const fault of await layoutFaults(page)) {
          faults += 1;
          console.error(`${scene.name}, ${width} px: ${fault}`);
        }
        // A dialog fills the window; a page is shown to its end, in a window as high: what stays at an edge is there.
        if ((await page.locator("dialog[open]").count()) === 0) {
          const height = await page.evaluate(() => document.documentElement.scrollHeight);
          await page.setViewportSize({ width, height: Math.max(HEIGHT, height) });
        }
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          const path = join(SCREENS, `${scene.name}-${width}-${colorScheme}.png`);
          await page.screenshot({ path, animations: "disabled" });
        }
      }
      const shown = README[scene.name];
      if (shown) {
        await showAt(page, README_SIZE.width, README_SIZE.height);
        await page.emulateMedia({ colorScheme: shown.theme, reducedMotion: "reduce" });
        await page.screenshot({ path: join(IMAGES, shown.file), animations: "disabled" });
      }
      console.log(scene.name);
    } finally {
      await close();
    }
  }
} finally {
  await browser.close();
}
console.log(`Pictures in ${SCREENS}. ${faults === 0 ? "Nothing is cut, covered or too wide." : `${faults} faults.`}`);
process.exit(faults === 0 ? 0 : 1);
