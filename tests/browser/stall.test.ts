/** A load that stops making progress, in a real browser: it is told, with what to try, and can be left. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { logOf, progressOf, swapButton } from "./wording.ts";

setDefaultTimeout(60_000);

/** It is told after a minute of the clock, however fast the simulated Sparks are. */
const TOLD_WITHIN_MS = 100_000;
const GIVEN_UP_AFTER_SECONDS = 600;

inBrowser("a load that stands still", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
    demo = await startDemo({
      hostname: ownHostname(),
      topology: (yaml) => `${yaml}settings:\n  stall_seconds: ${GIVEN_UP_AFTER_SECONDS}\n`,
    });
    await demo.swap("gpt-oss-20b");
    demo.cluster.inject({ kind: "progress_stuck", percent: 40, times: 1 });
    watched = await openPage(browser, demo.url);
  });
  afterAll(async () => {
    await watched?.page.context().close();
    await demo?.close();
    await browser?.close();
  });

  test(
    "says so and what to try, promises no time, and cancelling leads back",
    async () => {
      const { page } = watched;
      await swapButton(page, "GPT-OSS 120B").click();
      await page.getByRole("dialog").getByRole("button", { name: "Swap to GPT-OSS 120B" }).click();
      await progressOf(page, "GPT-OSS 120B").waitFor();
      const note = page.getByRole("note").filter({ hasText: "No progress" });
      await logOf(page).getByText("Starting to load model").waitFor();
      expect(await note.count()).toBe(0);

      await note
        .getByText("No progress for 1 minute. Loads of this size sometimes pause; Spark Control gives up after 10 min.")
        .waitFor({ timeout: TOLD_WITHIN_MS });

      await note.getByText("cancel the swap and start it again").waitFor();
      await page
        .getByRole("status")
        .getByText("GPT-OSS 120B: Load weights, no progress")
        .waitFor({ state: "attached" });
      // Neither minutes that are left, nor a time at which it is ready.
      await page
        .locator(".eta")
        .filter({ hasText: /^–\s*\d+ %$/ })
        .waitFor();
      await page.waitForFunction(() => /^\d+ % · GPT-OSS 120B/.test(document.title));

      await page.getByRole("button", { name: "Cancel swap…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Stop and go back" }).click();
      await page.getByRole("heading", { name: "The swap to GPT-OSS 120B was cancelled" }).waitFor();
      await page.getByText("GPT-OSS 20B is back and answers.").waitFor();
      await note.waitFor({ state: "detached" });
      expect(watched.complaints).toEqual([]);
    },
    TOLD_WITHIN_MS + 60_000,
  );
});
