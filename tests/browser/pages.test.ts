/** The frame in a real browser: pages and their addresses, the keyboard, the theme, what plain HTTP does not allow. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { PAGES, type Page as Place } from "../../public/pages.ts";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { hasFocus, holds } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

const inRail = (PAGES as readonly Place[]).filter(({ rail }) => rail !== null);
inBrowser("the frame of the dashboard", () => {
  const on = new WatchedDemo();

  const begin = (path = "/", demo: DemoOptions = {}) => on.begin({ path, demo });
  const live = (page: Page) => page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  const title = (page: Page, name: string) => page.getByRole("heading", { level: 1, name, exact: true });
  const path = (page: Page) => new URL(page.url()).pathname;

  test("every page of the rail has an address that can be opened, is marked in the rail and in the title", async () => {
    const page = await begin();

    for (const { path: address, title: name } of inRail) {
      await page.goto(on.demo.url + address);
      await live(page);
      await title(page, name).waitFor();
      const link = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true });
      expect(await link.getAttribute("aria-current")).toBe("page");
      await page.waitForFunction((words) => document.title.includes(words), name);
      expect(await page.getByRole("main").getByRole("heading", { level: 2 }).count()).toBeGreaterThan(0);
    }
    expect(on.watched.complaints).toEqual([]);
    expect(on.watched.foreign).toEqual([]);
  });

  test("on a phone, what is behind More is marked there, and in its sheet", async () => {
    const page = await on.begin({ viewport: { width: 360, height: 780 } });
    const more = page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "More" });
    const marks = () =>
      page.getByRole("navigation", { name: "Main" }).locator("[aria-current]:visible").allInnerTexts();

    for (const { path: address, title: name, rail } of inRail) {
      await page.goto(on.demo.url + address);
      await title(page, name).waitFor();
      expect(await marks()).toEqual([rail!.onPhone ? name : "More"]);
    }
    await more.click();
    const sheet = page.getByRole("dialog", { name: "More" });
    expect(await sheet.locator("[aria-current=page]").allInnerTexts()).toEqual(["Settings"]);
    // Without loading the document again.
    await sheet.getByRole("link", { name: "Activity" }).click();
    await title(page, "Activity").waitFor();
    expect(await marks()).toEqual(["More"]);
    await more.click();
    expect(await sheet.locator("[aria-current=page]").allInnerTexts()).toEqual(["Activity"]);
    await page.keyboard.press("Escape");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Models" }).click();
    await title(page, "Models").waitFor();
    expect(await marks()).toEqual(["Models"]);
    expect(on.watched.complaints).toEqual([]);
  });

  test("links change the page without loading it again; focus, title, back and forward go along", async () => {
    const page = await begin();
    await page.evaluate(() => document.documentElement.setAttribute("data-same-document", ""));

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
    await title(page, "Settings").waitFor();
    expect(path(page)).toBe("/settings");
    await hasFocus(title(page, "Settings"));
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Models" }).click();
    await page.goBack();
    await title(page, "Settings").waitFor();
    await page.goBack();
    await title(page, "Overview").waitFor();
    await page.goForward();
    await title(page, "Settings").waitFor();

    await page.waitForFunction(() => document.title.includes("Settings"));
    expect(await page.evaluate(() => document.documentElement.hasAttribute("data-same-document"))).toBe(true);
  });

  test("an address where nothing is shows a page that helps; the API says so in its own way", async () => {
    const page = await begin("/no/such/page");

    await title(page, "No such page").waitFor();
    await page.getByRole("main").getByRole("link", { name: "Overview" }).click();
    await title(page, "Overview").waitFor();

    const asked = (address: string) => fetch(on.demo.url + address, { headers: { accept: "text/html" } });
    expect((await asked("/no/such/page")).status).toBe(404);
    const api = await asked("/api/nothing");
    expect([api.status, api.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect((await fetch(`${on.demo.url}/no/such/page`)).headers.get("content-type")).toBe("application/problem+json");
  });

  test("the page of one swap has its phases and its log, and can be opened by its address", async () => {
    const page = await begin();
    const job = await on.demo.swap("gpt-oss-20b");

    await page.goto(`${on.demo.url}/activity/${job.job_id}`);

    const swap = page.getByRole("region", { name: "GPT-OSS 20B" });
    await swap.getByText("Ready", { exact: true }).waitFor();
    await swap.getByRole("list", { name: "Steps of the swap" }).getByText("Start", { exact: true }).waitFor();
    await swap.getByRole("searchbox", { name: "Search the log" }).fill("vLLM API server version");
    await swap.getByRole("log").getByText("vLLM API server version").first().waitFor();
    await page.goto(`${on.demo.url}/activity/unknown`);
    await page.getByText("There is no swap with this number.").waitFor();
  });

  test("a swap by keyboard alone", async () => {
    const page = await begin();

    await page.keyboard.press("s");
    const choice = page.getByRole("dialog", { name: "Swap to which model?" });
    await choice.getByRole("combobox").waitFor();
    await page.keyboard.type("oss 20");
    await choice.getByRole("option", { name: /^GPT-OSS 20B/, selected: true }).waitFor();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 20B?" });
    await dialog.getByText("It fits, with").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");

    await page.getByRole("heading", { name: "GPT-OSS 20B is answering" }).waitFor();
    expect(on.watched.complaints).toEqual([]);
  });

  test("shortcuts: pages, the filter, the list of shortcuts, the palette; none while typing", async () => {
    const page = await begin();

    for (const { title: name, rail } of inRail) {
      await page.keyboard.press("g");
      await page.keyboard.press(rail!.key);
      await title(page, name).waitFor();
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await title(page, "Models").waitFor();
    const filter = page.getByRole("searchbox", { name: "Filter models" });
    await hasFocus(filter);
    await page.keyboard.type("glm s");
    await holds(filter, "glm s");
    await filter.fill("glm");
    await page.getByRole("row", { name: /^GLM 4.5 Air/ }).waitFor();
    await until("only that one is left", async () => (await page.getByRole("row").count()) === 2);
    await page.keyboard.press("Control+k");
    const palette = page.getByRole("dialog", { name: "Jump to a page or do something" });
    await palette.getByRole("combobox").fill("machines");
    await page.keyboard.press("Enter");
    await title(page, "Machines").waitFor();
  });

  test("the theme is kept and in place before the page is painted; arrows move in its menu", async () => {
    const page = await begin();
    const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);

    await page.getByRole("button", { name: "Light or dark" }).click();
    await page.getByRole("menuitemradio", { name: "System", checked: true }).waitFor();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    expect(await scheme()).toBe("dark");
    // Without the page's own scripts, only what stands in the head has run.
    const blocked: string[] = [];
    await page.route(/\/(?!early-)[\w-]+\.js$/, (route) => {
      blocked.push(route.request().url());
      return route.abort();
    });
    await page.reload();
    expect(blocked.length).toBeGreaterThan(0);
    expect(await scheme()).toBe("dark");
  });

  test("nothing moves when the data arrive", async () => {
    const page = await on.begin({ model: "gpt-oss-20b" });
    await page.addInitScript(() => {
      new PerformanceObserver((list) => {
        const moved = list.getEntries().reduce((sum, entry) => sum + (entry as Entry).value, 0);
        document.documentElement.dataset.moved = String(Number(document.documentElement.dataset.moved ?? 0) + moved);
      }).observe({ type: "layout-shift", buffered: true });
    });

    for (const { path: address } of inRail) {
      await page.goto(on.demo.url + address);
      await live(page);
      await page.evaluate(() => document.fonts.ready.then(() => new Promise(requestAnimationFrame)));
      // The notice of a swap that just ended is news: it comes with the history.
      const moved = await page.evaluate(() => Number(document.documentElement.dataset.moved ?? 0));
      expect([address, moved < 0.1, moved]).toEqual([address, true, moved]);
    }
  });

  for (const width of [360, 768, 1280, 1920])
    test(`every page fits into ${width} px`, async () => {
      const page = await begin();
      await on.demo.swap("gpt-oss-20b");
      await page.setViewportSize({ width, height: 800 });

      for (const { path: address, title: name } of inRail) {
        await page.goto(on.demo.url + address);
        await title(page, name).waitFor();
        await page.getByRole("main").getByRole("heading", { level: 2 }).first().waitFor();
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect([address, tooWide <= 0]).toEqual([address, true]);
      }
    });

  test("settings say what could not be used, which names were refused and who the Sparks are", async () => {
    const page = await begin("/settings", { topology: (yaml) => `${yaml}settings:\n  stall_seconds: soon\n` });
    await fetch(`${on.demo.url}/health`, { headers: { host: "spark.example.com" } });
    await page.reload();

    await page.getByRole("region", { name: "Could not be used" }).getByText("settings.stall_seconds").waitFor();
    await page.getByRole("region", { name: "Addresses" }).getByText("spark.example.com").first().waitFor();
    const ssh = page.getByRole("region", { name: "SSH" });
    await ssh.getByText(on.demo.plane.identity.publicKeyLine).waitFor();
    await ssh
      .getByText(/^SHA256:/)
      .nth(1)
      .waitFor();
    expect(await ssh.getByText(/^SHA256:/).count()).toBe(2);
    await page.getByRole("radio", { name: "Dark" }).check({ force: true });
    expect(await page.evaluate(() => localStorage.getItem("theme"))).toBe("dark");
  });

  test("the manifest and its icons are there", async () => {
    const page = await begin();

    const address = await page.evaluate(() => document.querySelector<HTMLLinkElement>("link[rel=manifest]")?.href);
    const manifest = (await (await fetch(address!)).json()) as { name: string; icons: { src: string; type: string }[] };
    expect(manifest.name).toBe("Spark Control");
    for (const { src, type } of manifest.icons) {
      const icon = await fetch(on.demo.url + src);
      expect([src, icon.status, icon.headers.get("content-type")]).toEqual([src, 200, type]);
    }
  });
});

interface Entry extends PerformanceEntry {
  readonly value: number;
}
