/** Reserving, swapping in spite of it, taking it away; what others plan. In a real browser. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";

setDefaultTimeout(60_000);

inBrowser("reservations in the dashboard", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await watched?.page.context().close();
    await demo?.close();
  });

  async function begin(path = "/"): Promise<Page> {
    demo = await startDemo({ hostname: ownHostname() });
    await demo.swap("gpt-oss-20b");
    watched = await openPage(browser, demo.url + path);
    await watched.page.getByRole("status").getByText("Live", { exact: true }).waitFor();
    return watched.page;
  }
  const swapButton = (page: Page) => page.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" });
  const reserveElsewhere = (note = "Quarterly scoring") =>
    demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 3_600, note });

  test("a reservation of another is told on every page, and swap buttons say who has it", async () => {
    const page = await begin();

    await reserveElsewhere();

    const banner = page.getByRole("region", { name: /^Reserved by lead-scoring until / });
    await banner.getByText("“Quarterly scoring”").waitFor();
    await banner.getByText(/^(59|60) min$|^1 h$/).waitFor();
    await page.getByRole("region", { name: "Models" }).getByText("reserved by lead-scoring.").waitFor();
    expect(await swapButton(page).isDisabled()).toBe(true);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Machines" }).click();
    await banner.waitFor();
    expect(watched.complaints).toEqual([]);
  });

  test("takes it away only after asking why, and then anyone may swap", async () => {
    const page = await begin();
    await reserveElsewhere();

    await page.getByRole("button", { name: "Release anyway…" }).click();
    const dialog = page.getByRole("dialog", { name: "Release the GPUs from lead-scoring?" });
    await dialog.getByText("its work fails part-way").waitFor();
    expect(
      await dialog.getByRole("button", { name: "Leave it reserved" }).evaluate((it) => it === document.activeElement),
    ).toBe(true);
    await dialog.getByRole("button", { name: "Release the GPUs" }).click();
    await dialog.getByRole("alert").getByText("“Why?” is still empty.").waitFor();
    expect(await dialog.getByLabel("Why?").evaluate((it) => it === document.activeElement)).toBe(true);
    expect(demo.plane.lock.current()?.holder).toBe("lead-scoring");
    await dialog.getByLabel("Why?").fill("a demo");
    await dialog.getByRole("button", { name: "Release the GPUs" }).click();

    await dialog.waitFor({ state: "hidden" });
    await page.getByText("Nobody has reserved the GPUs.").waitFor();
    expect(demo.plane.lock.current()).toBeNull();
    expect(await swapButton(page).isEnabled()).toBe(true);
  });

  test("the tab that reserved can swap and give back; another tab cannot", async () => {
    const page = await begin();
    const other = await page.context().newPage();
    await other.goto(demo.url);

    await page.getByRole("button", { name: "Reserve…" }).click();
    const dialog = page.getByRole("dialog", { name: "Keep GPT-OSS 20B in place?" });
    await page.keyboard.type("Alice");
    await dialog.getByText("30 min").click();
    await dialog.getByLabel("What for?").fill("a test");
    await dialog.getByRole("button", { name: "Reserve", exact: true }).click();

    await page.getByRole("region", { name: /^Reserved by you, as Alice, until / }).waitFor();
    expect(demo.plane.lock.current()).toMatchObject({ holder: "Alice", note: "a test" });
    await other.getByRole("region", { name: /^Reserved by Alice until / }).waitFor();
    expect(await swapButton(other).isDisabled()).toBe(true);
    await page.reload();
    await page.getByRole("region", { name: /^Reserved by you, as Alice, until / }).waitFor();
    await swapButton(page).click();
    const plan = page.getByRole("dialog", { name: "Swap to Qwen3 30B A3B Instruct?" });
    await plan.getByText("It fits, with").waitFor();
    await plan.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" }).click();
    await page.getByRole("heading", { name: "Qwen3 30B A3B Instruct is answering" }).waitFor();
    await page.getByRole("button", { name: "Release", exact: true }).first().click();
    await other.getByText("Nobody has reserved the GPUs.").waitFor();
    expect(demo.plane.lock.current()).toBeNull();
    expect(watched.complaints).toEqual([]);
  });

  test("shows what others plan and where it clashes, and removes an entry", async () => {
    const page = await begin("/automation");
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

    await demo.post("/api/schedule", {
      owner: "crm",
      title: "Call notes",
      at: at(30),
      duration_seconds: 3_600,
      model: "gpt-oss-20b",
    });
    await demo.post("/api/schedule", {
      owner: "archive",
      title: "Archive",
      at: at(60),
      duration_seconds: 3_600,
      model: "llama-3.3-70b",
    });

    const planned = page.getByRole("region", { name: "Planned by others" });
    await planned.getByText("Archive", { exact: true }).waitFor();
    await planned.getByText(/“Call notes” of crm and “Archive” of archive/).waitFor();
    await page.getByRole("region", { name: "Reservation" }).getByText("Call notes").waitFor();
    await planned.getByRole("button", { name: "Remove Archive" }).click();
    await page.getByRole("dialog", { name: "Remove “Archive”?" }).getByRole("button", { name: "Remove it" }).click();
    await planned.getByText("Archive", { exact: true }).waitFor({ state: "hidden" });
    expect(demo.plane.schedules.list().entries.map(({ title }) => title)).toEqual(["Call notes"]);
  });
});
