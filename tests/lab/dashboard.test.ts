/** The dashboard against real hosts: what a person sees of a swap that works, fails, is stopped or loses its controller. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { Status } from "../../lib/status.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { buildDashboard } from "../../public/_build.ts";
import { inBrowser, launchChromium, openPage, openTab, ownHostname, type WatchedPage } from "../browser/browser.ts";
import { canBePressed, cannotBePressed } from "../browser/waits.ts";
import { heading, live, logOf, lost, progressOf, startSwap, swapButton } from "../browser/wording.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { inLab, LIMIT_MS, mains, remains, served } from "./survive-lab.ts";

setDefaultTimeout(LIMIT_MS);

const PATIENCE_MS = 90_000;
const TABS = 10;
/** Of the catalog that comes with the product: on Overview, and never loaded here. */
const ANOTHER = "GPT-OSS 20B";
/** A load that a test can look at from all sides. */
const WATCHABLE_SECONDS = 12;
/** A load that goes on while a controller is missed, comes back and is found. */
const LONG_SECONDS = 30;
const BEGINNING = /Started .*? at \d+:\d\d:\d\d/;

inBrowser("the dashboard, with hosts of the lab", () => {
  let browser: Browser;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(() => browser?.close());

  inLab("new", (its) => {
    let controller: Controller;

    // On all addresses: the test asks on loopback, the browser where people do.
    const serve = (port = "0") => its.start(its.data.dataDir, { HOST: "0.0.0.0", PORT: port });
    const portOf = ({ url }: Controller) => new URL(url).port;
    const address = () => `http://${ownHostname()}:${portOf(controller)}`;
    async function begin(): Promise<WatchedPage> {
      controller = await serve();
      await until("both hosts are reachable", async () => {
        const { nodes } = await controller.get<Status>("/api/status");
        return nodes.every(({ state }) => state === "reachable");
      });
      return patient(await openPage(browser, address()));
    }
    async function patient(watched: WatchedPage): Promise<WatchedPage> {
      watched.page.setDefaultTimeout(PATIENCE_MS);
      await live(watched.page).waitFor();
      return watched;
    }
    const loadsFor = (loadSeconds: number) => its.lab.behave({ models: { "acme/small": { loadSeconds } } });
    const started = (page: Page) => logOf(page).getByText("vLLM API server version").waitFor();
    const step = (page: Page, name: string) => page.getByRole("status").getByText(`small: ${name}`, { exact: true });
    /** By whom and when, to the second. */
    async function beginningOf(page: Page): Promise<string> {
      const text = (await page.getByText(BEGINNING).textContent()) ?? "";
      const [beginning] = BEGINNING.exec(text) ?? [];
      if (beginning === undefined) throw new Error(`no beginning in: ${text}`);
      return beginning;
    }
    function expectQuiet(...all: WatchedPage[]): void {
      for (const { complaints, foreign } of all)
        expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
    }

    test("a swap, from the click to the model that answers", async () => {
      await loadsFor(8);
      const watched = await begin();
      const { page } = watched;
      await startSwap(page, "small");

      await progressOf(page, "small").waitFor();
      await started(page);
      await heading(page, "small is answering").waitFor();
      expect(await served(its.lab)).toEqual(["acme/small"]);
      expectQuiet(watched);
    });

    test("a swap that fails, with its reason, the line that shows it, and the former model back", async () => {
      await its.lab.behave({ models: { "acme/other": { fail: "oom" } } });
      const watched = await begin();
      const { page } = watched;
      await controller.swap("small");
      await heading(page, "small is answering").waitFor();
      // Overview names the first models only.
      await page.getByRole("navigation").getByRole("link", { name: "Models" }).click();
      await startSwap(page, "other");
      await page.getByRole("navigation").getByRole("link", { name: "Overview" }).click();

      const notice = page.getByRole("region", { name: "other did not start" });
      await notice
        .getByRole("figure", { name: "Evidence" })
        .getByText(/OutOfMemoryError|Free memory on device/)
        .waitFor();
      await notice.getByText("small is back and answers.").waitFor();
      await notice.getByRole("link", { name: "Show the whole log" }).click();
      await page.getByRole("searchbox", { name: "Search the log" }).fill("memory");
      await logOf(page).locator("mark").first().waitFor();
      expectQuiet(watched);
    });

    test("a swap that is cancelled, after asking: nothing of it is left on the hosts", async () => {
      await loadsFor(LONG_SECONDS);
      const watched = await begin();
      const { page } = watched;
      await startSwap(page, "small");
      await started(page);
      expect((await mains(its.lab)).map((each) => each.length)).toEqual([1, 0]);

      await page.getByRole("button", { name: "Cancel swap…" }).click();
      const dialog = page.getByRole("dialog", { name: "Stop loading small?" });
      await dialog.getByText("Then no model is loaded there.").waitFor();
      await dialog.getByRole("button", { name: "Stop it" }).click();

      await heading(page, "The swap to small was cancelled").waitFor();
      const slot = page.getByRole("region", { name: "Nothing is being served", exact: true });
      await slot.getByText("No model loaded", { exact: true }).waitFor();
      expect((await remains(its.lab)).flat()).toEqual([]);
      await canBePressed(swapButton(page, "small"));
      expectQuiet(watched);
    });

    test("two tabs stay in step, from the start of a swap to its end", async () => {
      await loadsFor(WATCHABLE_SECONDS);
      const one = await begin();
      const other = await patient(await openTab(one.page.context(), address()));
      await canBePressed(swapButton(other.page, ANOTHER));

      await startSwap(one.page, "small");
      const tabs = [one.page, other.page];
      await Promise.all(tabs.map((tab) => progressOf(tab, "small").waitFor()));
      await Promise.all(tabs.map(started));
      await cannotBePressed(swapButton(other.page, ANOTHER));

      await Promise.all(tabs.map((tab) => heading(tab, "small is answering").waitFor()));
      await canBePressed(swapButton(other.page, ANOTHER));
      expectQuiet(one, other);
    });

    test("ten open tabs all show the same swap, its log and its end", async () => {
      await loadsFor(LONG_SECONDS);
      const all = [await begin()];
      while (all.length < TABS) all.push(await patient(await openTab(all[0]!.page.context(), address())));
      const tabs = all.map(({ page }) => page);

      await startSwap(tabs[4]!, "small");
      await Promise.all(tabs.map((tab) => progressOf(tab, "small").waitFor()));
      await Promise.all(tabs.map(started));
      for (const tab of tabs) expect(await swapButton(tab, ANOTHER).isDisabled()).toBe(true);

      await Promise.all(tabs.map((tab) => heading(tab, "small is answering").waitFor()));
      for (const tab of tabs) expect(await swapButton(tab, ANOTHER).isEnabled()).toBe(true);
      expectQuiet(...all);
    });

    test("a reload in the middle of a swap shows the same swap where it was", async () => {
      // It stays at the first of its weights: there is one state to compare.
      await its.lab.behave({ models: { "acme/small": { fail: "stuck" } } });
      const watched = await begin();
      const { page } = watched;
      await startSwap(page, "small");
      await step(page, "Load weights").waitFor({ state: "attached" });
      const beginning = await beginningOf(page);

      await page.reload();

      await progressOf(page, "small").waitFor();
      await step(page, "Load weights").waitFor({ state: "attached" });
      expect(await beginningOf(page)).toBe(beginning);
      await started(page);
      await cannotBePressed(swapButton(page, ANOTHER));
      await canBePressed(page.getByRole("button", { name: "Cancel swap…" }));
      expectQuiet(watched);
    });

    test("the controller is killed in the middle of a swap and started again: the page recovers by itself", async () => {
      await loadsFor(LONG_SECONDS);
      const { page } = await begin();
      await page.evaluate(() => Reflect.set(window, "isTheSamePage", true));
      await startSwap(page, "small");
      await started(page);
      const [job] = (await controller.get<Status>("/api/status")).swaps;
      const before = await mains(its.lab);

      await controller.kill();
      await lost(page).waitFor();
      await cannotBePressed(page.getByRole("button", { name: "Cancel swap…" }));
      controller = await serve(portOf(controller));

      await live(page).waitFor();
      await lost(page).waitFor({ state: "hidden" });
      await progressOf(page, "small").waitFor();
      await canBePressed(page.getByRole("button", { name: "Cancel swap…" }));
      await heading(page, "small is answering").waitFor();
      expect(await page.evaluate(() => Reflect.get(window, "isTheSamePage"))).toBe(true);
      expect(await controller.get<SwapJob>(`/api/swap/${job?.job_id}`)).toMatchObject({
        state: "ready",
        model: "small",
      });
      expect(await mains(its.lab)).toEqual(before);
      expect(await served(its.lab)).toEqual(["acme/small"]);
    });

    test("a swap that somebody else began disables the buttons, and the reason is theirs to read", async () => {
      await loadsFor(WATCHABLE_SECONDS);
      const watched = await begin();
      const { page } = watched;
      const button = swapButton(page, ANOTHER);
      await canBePressed(button);

      const { job_id: id } = await controller.begin("small");

      await progressOf(page, "small").waitFor();
      await cannotBePressed(button);
      const reasons = await button.evaluate((it) =>
        (it.getAttribute("aria-describedby") ?? "")
          .split(" ")
          .map((each) => document.getElementById(each)?.textContent),
      );
      expect(reasons).toEqual(["One swap at a time: small is on its way."]);
      expect(await controller.settled(id)).toMatchObject({ state: "ready" });
      await heading(page, "small is answering").waitFor();
      await canBePressed(button);
      expectQuiet(watched);
    });
  });
});
