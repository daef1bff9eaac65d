/** What the README shows: the usual states at nearly the pace of real Sparks, so that the figures are such as people will see. */
import type { Demo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { chatAtLength, failing, loadSlowly, type Scene, serving } from "./scene.ts";
import { heading, logOf, swapButton, swapDialog } from "./wording.ts";

/** GPT-OSS 20B then loads in a quarter of a minute, GPT-OSS 120B in one. */
const NEARLY_REAL = 4;

const used = async (demo: Demo): Promise<undefined> => {
  await serving(demo);
  chatAtLength(demo);
  await until("a request runs", () => demo.plane.gateway.inFlight("main") === 1);
};

export const README_SCENES: readonly Scene[] = [
  {
    name: "readme-plan",
    isSlow: true,
    demo: { speed: NEARLY_REAL },
    before: used,
    on: async (page) => {
      // As the plan has it.
      await page.getByText("Ready, 1 request", { exact: true }).waitFor();
      await swapButton(page, "GPT-OSS 120B").click();
      await swapDialog(page, "GPT-OSS 120B").getByText("It fits, with").waitFor();
    },
  },
  {
    name: "readme-loading",
    isSlow: true,
    demo: { speed: NEARLY_REAL },
    before: async (demo) => {
      await serving(demo);
      await loadSlowly(demo, "gpt-oss-120b");
      return undefined;
    },
    on: (page) => logOf(page).getByText("Starting to load model").waitFor(),
  },
  {
    name: "readme-failed",
    isSlow: true,
    demo: { speed: NEARLY_REAL },
    before: failing,
    on: (page) => heading(page, "GPT-OSS 120B did not start").waitFor(),
  },
];
