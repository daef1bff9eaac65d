/** What can be done with a panel stands at the end of its head, whatever else is in it and however narrow it is. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { PAGES } from "../../public/pages.ts";
import { inBrowser } from "./browser.ts";
import { showAt } from "./layout.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

const HEIGHT = 900;

/** Heads with a row that has something to press and ends before the panel does. */
const unfinished = (page: Page) =>
  page.evaluate(() => {
    const [controls, inset] = [":is(.btn, .more, .pick, .seg)", 20];
    return [...document.querySelectorAll<HTMLElement>(".panel-head")].flatMap((head) => {
      const parts = [...head.children].filter((part) => part.checkVisibility());
      const boxes = parts.map((part) => part.getBoundingClientRect());
      const end = head.getBoundingClientRect().right - inset;
      return parts.flatMap((part, at) => {
        if (!part.matches(controls)) return [];
        const middle = (boxes[at]!.top + boxes[at]!.bottom) / 2;
        const row = boxes.filter(({ top, bottom }) => top < middle && middle < bottom);
        if (Math.max(...row.map(({ right }) => right)) >= end) return [];
        return [`${head.querySelector("h2, h3")?.textContent}: ${part.textContent}`];
      });
    });
  });

inBrowser("the heads of panels", () => {
  const on = new WatchedDemo();

  test("what can be done is at their end, on every page", async () => {
    const page = await on.begin({ model: "gpt-oss-20b" });
    let heads = 0;
    for (const { path } of PAGES.filter(({ path }) => !path.includes(":"))) {
      await page.goto(on.demo.url + path);
      await page.waitForFunction(() =>
        [...document.querySelectorAll(".bone")].every((bone) => !bone.checkVisibility()),
      );
      for (const width of [360, 768, 1280]) {
        await showAt(page, width, HEIGHT);
        expect([path, width, await unfinished(page)]).toEqual([path, width, []]);
        heads += await page.locator(".panel-head:visible").count();
      }
    }
    expect(heads).toBeGreaterThan(30);
  });
});
