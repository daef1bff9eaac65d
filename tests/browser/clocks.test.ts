/** A browser whose clock is wrong: times are the server's, and so is every "ago", "for" and "in". In a real browser. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { inBrowser } from "./browser.ts";
import { WatchedDemo } from "./watched-demo.ts";
import { heading } from "./wording.ts";

setDefaultTimeout(60_000);

/** GPT-OSS 120B then loads in about 20 s. */
const SLOW = 20;
const HOUR_MS = 3_600_000;

inBrowser("a clock that is wrong", () => {
  const on = new WatchedDemo();

  const goTo = (page: Page, name: string) =>
    page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }).click();

  // A day more, so that a date would show as well.
  for (const [word, hours] of [
    ["ahead", 25],
    ["behind", -25],
  ] as const)
    test(`by a day and an hour, ${word}: nothing on the pages goes by it`, async () => {
      const page = await on.begin({ demo: { speed: SLOW }, model: "gpt-oss-20b" });
      await on.demo.post("/api/schedule", {
        ...{ owner: "crm", title: "Call notes", duration_seconds: 600 },
        at: new Date(Date.now() + 40 * 60_000).toISOString(),
      });
      await page.clock.install({ time: Date.now() + hours * HOUR_MS });
      await page.reload();
      await page.getByText("Live", { exact: true }).first().waitFor({ state: "attached" });

      await heading(page, "GPT-OSS 20B is answering").waitFor();
      await page.getByText("answering for less than a minute").waitFor();
      await page.getByText("checked just now").filter({ visible: true }).first().waitFor();
      const day = new Date().toLocaleDateString("en-GB", { weekday: "long" });
      const clock = page.locator("page-clock").filter({ hasText: new RegExp(`^${day}`) });
      await clock.first().waitFor({ state: "attached" });
      const planned = page.getByRole("region", { name: "Reservation" });
      await planned.getByText(/^in (39|40) min$/).waitFor();
      await goTo(page, "Automation");
      const list = page.getByRole("region", { name: "Planned by others" });
      await list.getByText(/^in (39|40) min$/).waitFor();
      await goTo(page, "Overview");

      expect((await on.demo.post("/api/swap", { model: "gpt-oss-120b" })).status).toBe(202);
      await page.getByText(/Started by .+ at \d\d:\d\d:\d\d, [1-9]\d? s ago\./).waitFor();
      await page.getByText(/ready at about \d\d:\d\d, going by/).waitFor();
      // The spans of its steps.
      await page
        .locator(".phases [data-s=now] .ph-time")
        .getByText(/^[1-9]\d? s$/)
        .waitFor();
      expect(await page.locator("main").textContent()).not.toMatch(/\b\d+ (h|days)\b/);

      await on.demo.post("/api/swap/lock", { holder: "crm", ttl_seconds: 1_200, allow_running_swap: true });
      const banner = page.getByRole("region", { name: /^Reserved by crm until (\d+ [A-Z][a-z]+, )?\d\d:\d\d$/ });
      await banner.getByText(/^(19|20) min$/).waitFor();
      await banner.getByText(/^since \d\d:\d\d$/).waitFor();
    });
});
