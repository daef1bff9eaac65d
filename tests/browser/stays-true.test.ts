/** What the page shows and offers goes along with what happens meanwhile. In a real browser. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Locator, Page } from "playwright-core";
import type { DemoOptions } from "../support/demo.ts";
import { inBrowser } from "./browser.ts";
import { canBePressed, cannotBePressed } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";
import { heading, lost, startSwap, swapButton } from "./wording.ts";

setDefaultTimeout(60_000);

/** GPT-OSS 120B then loads in about 20 s. */
const SLOW = 20;
/** Simulated seconds until a model that is ready dies: some seconds of the clock. */
const DIES_AFTER = 1_500;

inBrowser("the page stays true", () => {
  const on = new WatchedDemo();

  const begin = (demo: DemoOptions = {}, viewport = { width: 1280, height: 900 }) => on.begin({ demo, viewport });
  const isFocused = (page: Page, locator: Locator) =>
    locator.elementHandle().then((it) => page.waitForFunction((element) => element === document.activeElement, it));
  const describedBy = (button: Locator) =>
    button.evaluate((it) => document.getElementById(it.getAttribute("aria-describedby") ?? "")?.textContent ?? "");
  const someoneSwaps = (model: string) =>
    fetch(`${on.demo.url}/api/swap`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "nightly-batch" },
      body: JSON.stringify({ model }),
    });

  test("the success goes when the model no longer answers; the title and the panel say so, and since when", async () => {
    const page = await begin();
    on.demo.cluster.inject({ kind: "dies_after_ready", seconds: DIES_AFTER, times: 1 });
    await Promise.all([heading(page, "GPT-OSS 20B is answering").waitFor(), on.demo.swap("gpt-oss-20b")]);

    await page.getByText(/^gives no answer since \d\d:\d\d/).waitFor();

    await heading(page, "GPT-OSS 20B is answering").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.title.startsWith("Not answering · GPT-OSS 20B"));
  });

  test("the focus goes on to what can be done next, not to nowhere", async () => {
    const page = await begin({ speed: SLOW });

    await startSwap(page, "GPT-OSS 120B");
    const cancel = page.getByRole("button", { name: "Cancel swap…" });
    await cancel.waitFor();
    await isFocused(page, cancel);

    await cancel.click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop it" }).click();
    await isFocused(page, page.getByRole("heading", { level: 1 }));
  });

  test("a page that is opened in the middle of a swap says what fits, as it was before", async () => {
    const page = await begin({ speed: SLOW });
    const fit = page.getByRole("row", { name: /^Mistral Small/ }).getByText(/^\d+ GB left$/);
    const before = await fit.textContent();

    await someoneSwaps("gpt-oss-120b");
    await page.getByRole("progressbar", { name: "Progress of GPT-OSS 120B" }).waitFor();
    await page.reload();

    await page.getByRole("progressbar", { name: "Progress of GPT-OSS 120B" }).waitFor();
    expect(await fit.textContent()).toBe(before);
  });

  test("a plan that is overtaken cannot be started, says by whom, and is made again afterwards", async () => {
    const page = await begin({ speed: SLOW });
    await swapButton(page, "GPT-OSS 120B").click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 120B?" });
    const go = dialog.getByRole("button", { name: "Swap to GPT-OSS 120B" });
    await dialog.getByText("It fits, with").waitFor();
    await canBePressed(go);

    const job = (await (await someoneSwaps("gpt-oss-20b")).json()) as { job_id: string };

    await dialog
      .getByRole("status")
      .getByText(/^nightly-batch started a swap to GPT-OSS 20B at /)
      .waitFor();
    await cannotBePressed(go);
    await fetch(`${on.demo.url}/api/swap/${job.job_id}`, { method: "DELETE" });
    await dialog.getByText(/^Checked at /).waitFor();
    await canBePressed(go);
  });

  test("whoever clicks second is told who was first, and that nothing was changed", async () => {
    const page = await begin({ speed: SLOW });
    await swapButton(page, "GPT-OSS 120B").click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 120B?" });
    await dialog.getByText("It fits, with").waitFor();
    // The other one's swap begins while the click is under way.
    await page.route("**/api/swap", async (route) => {
      if (route.request().method() === "POST") await someoneSwaps("gpt-oss-20b");
      await route.continue();
    });

    await dialog.getByRole("button", { name: "Swap to GPT-OSS 120B" }).click();

    await dialog
      .getByRole("alert")
      .getByText(/^nightly-batch started a swap to GPT-OSS 20B at .* Nothing was changed by your click\.$/)
      .waitFor();
  });

  test("what a failure offers to do says why it cannot be done now", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    on.demo.cluster.inject({ kind: "out_of_memory", times: 1 });
    await on.demo.swap("gpt-oss-120b", { rollback: false });
    const notice = page.getByRole("region", { name: "GPT-OSS 120B did not start" });
    const offers = ["Back to GPT-OSS 20B…", "Try again…"].map((name) => notice.getByRole("button", { name }));
    for (const offer of offers) {
      await canBePressed(offer);
      expect(await offer.getAttribute("aria-describedby")).toBeNull();
    }

    await on.demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 3_600 });

    await notice.getByText(/^Paused until .*, reserved by lead-scoring\.$/).waitFor();
    for (const offer of offers) {
      await cannotBePressed(offer);
      expect(await describedBy(offer)).toMatch(/^Paused until .*, reserved by lead-scoring\.$/);
    }
    await on.demo.goAway();
    await notice.getByText("No connection, so nothing can be started.").waitFor();
    for (const offer of offers) expect(await describedBy(offer)).toBe("No connection, so nothing can be started.");
  });

  test("a list that comes late does not undo what was told meanwhile", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    const late = Promise.withResolvers<void>();
    await page.route("**/api/swap?limit=*", async (route) => {
      const response = await route.fetch();
      await late.promise;
      await route.fulfill({ response });
    });
    const asked = page.waitForRequest("**/api/swap?limit=*");
    await page.reload();
    await asked;
    await Promise.all([heading(page, "GPT-OSS 120B is answering").waitFor(), on.demo.swap("gpt-oss-120b")]);

    late.resolve();

    const latest = page.getByRole("region", { name: "Latest" }).getByRole("listitem");
    await latest.filter({ hasText: "GPT-OSS 20B" }).waitFor();
    expect(await latest.count()).toBe(2);
    await heading(page, "GPT-OSS 120B is answering").waitFor();
  });

  test("without a connection nothing is called well, or checked just now", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    await heading(page, "GPT-OSS 20B is answering").waitFor();
    await on.demo.goAway();
    await lost(page).waitFor();

    await page.getByText("Was healthy").first().waitFor();
    await page.getByText("not known now").first().waitFor();
    await page.getByText("Was serving").waitFor();
    for (const old of ["Healthy", "checked just now", "GPT-OSS 20B is answering"])
      expect(await page.getByText(old, { exact: true }).count()).toBe(0);
  });

  test("on a phone: the day is a list, and More has the other pages", async () => {
    const page = await begin({}, { width: 360, height: 780 });
    const plan = { id: "notes", title: "Call notes", owner: "crm-sync", cron: "0 18 * * *", timezone: "UTC" };
    expect((await on.demo.post("/api/schedule", { ...plan, duration_seconds: 1_800 })).status).toBeLessThan(300);

    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("dialog", { name: "More" }).getByRole("link", { name: "Automation" }).click();

    await heading(page, "Automation").waitFor();
    const day = page.getByRole("region", { name: "Next 24 hours" });
    await day.getByRole("listitem").filter({ hasText: "Call notes" }).first().waitFor();
    expect(await day.getByRole("link", { name: "Schedule" }).count()).toBe(0);
    expect(on.watched.complaints).toEqual([]);
  });
});
