/** What is around every page: the palette, the menus, the banners that are not in the other scenes. */
import { showAt } from "./layout.ts";
import { type Scene, serving } from "./scene.ts";
import { heading } from "./wording.ts";

/** What the bottom bar has is there. */
const PHONE = { width: 360, height: 900 };

export const FRAME_SCENES: readonly Scene[] = [
  {
    name: "palette",
    before: serving,
    on: async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "shortcuts",
    on: async (page) => {
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "more",
    before: serving,
    width: PHONE.width,
    on: async (page) => {
      await showAt(page, PHONE.width, PHONE.height);
      await page.getByRole("button", { name: "More" }).click();
      await page.getByRole("dialog", { name: "More" }).waitFor();
    },
  },
  {
    name: "theme-menu",
    before: serving,
    on: async (page) => {
      await page.getByRole("button", { name: "Light or dark" }).click();
      await page.getByRole("menuitemradio", { name: "System" }).waitFor();
    },
  },
  {
    name: "problem",
    demo: { topology: (yaml) => `${yaml}settings:\n  stall_seconds: soon\n` },
    before: serving,
    on: (page) => page.getByText("settings.stall_seconds").first().waitFor(),
  },
  {
    name: "updated",
    before: serving,
    on: async (page, demo) => {
      await demo.goAway();
      await demo.comeBack("9.0.0");
      await page.getByText("Spark Control was updated.").waitFor();
    },
  },
  {
    name: "no-such-page",
    path: "/nothing/here",
    on: (page) => heading(page, "Nothing is at this address").waitFor(),
  },
];
