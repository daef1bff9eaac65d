/** What keeps pages current: many tabs, cut connections, restarts, pages that nobody looks at. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page, Request } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";
import { inBrowser, launchChromium, openPage, openTab, ownHostname } from "./browser.ts";
import { canBePressed, cannotBePressed } from "./waits.ts";
import { heading, live, logOf, lost, progressOf, startSwap, swapButton } from "./wording.ts";

setDefaultTimeout(240_000);

/** GPT-OSS 120B then loads in about 10 s. */
const WATCHABLE = 40;
/** It then loads for more than a minute. */
const SLOW = 5;
const TABS = 10;
const WITHOUT_WORKER = () => {
  Reflect.deleteProperty(window, "SharedWorker");
};

inBrowser("what keeps pages current", () => {
  let browser: Browser;
  let demo: Demo;
  let proxy: FaultProxy | undefined;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    proxy?.close();
    proxy = undefined;
    await demo?.close();
  });

  async function begin(options: DemoOptions = {}): Promise<Page> {
    demo = await startDemo({ hostname: ownHostname(), ...options });
    const { page } = await openPage(browser, demo.url);
    await live(page).waitFor();
    return page;
  }
  const anotherTab = async (page: Page) => (await openTab(page.context(), demo.url)).page;

  test("ten open tabs all show the same swap and its log, and each can still ask and act", async () => {
    const first = await begin({ speed: SLOW });
    const tabs = [first];
    while (tabs.length < TABS) tabs.push(await anotherTab(first));
    await Promise.all(tabs.map((tab) => live(tab).waitFor()));

    await startSwap(tabs[4]!, "GPT-OSS 120B");

    await Promise.all(tabs.map((tab) => progressOf(tab, "GPT-OSS 120B").waitFor()));
    await Promise.all(tabs.map((tab) => logOf(tab).getByText("vLLM API server version").waitFor()));
    const [job] = demo.plane.swaps.active();
    demo.plane.swapLog.append(job!.job_id, "launch", "seen by all");
    await Promise.all(tabs.map((tab) => logOf(tab).getByText("seen by all").waitFor()));

    const last = tabs.at(-1)!;
    await last.getByRole("button", { name: "Cancel swap…" }).click();
    await last.getByRole("dialog").getByRole("button", { name: "Stop it" }).click();
    await Promise.all(tabs.map((tab) => heading(tab, "The swap to GPT-OSS 120B was cancelled").waitFor()));
  });

  test("two tabs stay in step, from the start of a swap to its end", async () => {
    const one = await begin({ speed: WATCHABLE });
    const other = await anotherTab(one);
    await live(other).waitFor();

    // For as long as the swap lasts.
    await Promise.all([
      progressOf(other, "GPT-OSS 20B").waitFor(),
      cannotBePressed(swapButton(other, "GLM 4.5 Air")),
      startSwap(one, "GPT-OSS 20B"),
    ]);

    await Promise.all([one, other].map((tab) => heading(tab, "GPT-OSS 20B is answering").waitFor()));
    await canBePressed(swapButton(other, "GLM 4.5 Air"));
  });

  test("a swap that somebody else began disables the buttons, and the reason is theirs to read", async () => {
    const page = await begin({ speed: SLOW });

    await demo.post("/api/swap", { model: "gpt-oss-120b" });

    await progressOf(page, "GPT-OSS 120B").waitFor();
    const button = swapButton(page, "GPT-OSS 20B");
    await cannotBePressed(button);
    const reasons = await button.evaluate((it) =>
      (it.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent),
    );
    expect(reasons).toEqual(["One swap at a time: GPT-OSS 120B is on its way."]);
  });

  test("a reload in the middle of a swap shows the same swap", async () => {
    const page = await begin({ speed: SLOW });
    await startSwap(page, "GPT-OSS 120B");
    await logOf(page).getByText("vLLM API server version").waitFor();

    await page.reload();

    await progressOf(page, "GPT-OSS 120B").waitFor();
    await logOf(page).getByText("vLLM API server version").waitFor();
    await cannotBePressed(swapButton(page, "GPT-OSS 20B"));
  });

  test("the server restarts in the middle of a swap: the page goes on by itself, without a word", async () => {
    const page = await begin({ speed: WATCHABLE });
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      new MutationObserver(() => {
        for (const { textContent } of document.querySelectorAll("[role=alert]")) said.push(textContent ?? "");
      }).observe(document.body, { childList: true, subtree: true });
    });
    await startSwap(page, "GPT-OSS 120B");
    await logOf(page).getByText("vLLM API server version").waitFor();

    await demo.goAway();
    await demo.comeBack();

    await heading(page, "GPT-OSS 120B is answering").waitFor();
    await live(page).waitFor();
    expect(await page.evaluate(() => Reflect.get(window, "said"))).toEqual([]);
  });

  test("a server that stays away is missed after five seconds, and the page recovers by itself", async () => {
    const page = await begin({ speed: SLOW });
    await startSwap(page, "GPT-OSS 120B");
    await progressOf(page, "GPT-OSS 120B").waitFor();

    const gone = performance.now();
    await demo.goAway();
    await lost(page).waitFor();
    const missedAfterMs = performance.now() - gone;
    expect(missedAfterMs).toBeGreaterThan(4_500);
    // What a busy machine adds is in it.
    expect(missedAfterMs).toBeLessThan(9_000);
    await cannotBePressed(page.getByRole("button", { name: "Cancel swap…" }));

    await demo.comeBack();
    await live(page).waitFor();
    await lost(page).waitFor({ state: "hidden" });
    await progressOf(page, "GPT-OSS 120B").waitFor();
    await canBePressed(page.getByRole("button", { name: "Cancel swap…" }));
  });

  test("a cable that was pulled sends no error: the silence is noticed", async () => {
    demo = await startDemo({ hostname: ownHostname() });
    const target = { host: ownHostname(), port: Number(new URL(demo.url).port) };
    proxy = await startFaultProxy({ host: ownHostname(), target: () => target });
    const { page } = await openPage(browser, `http://${proxy.host}:${proxy.port}`);
    await live(page).waitFor();

    proxy.blackHole();
    await lost(page).waitFor();

    proxy.pass();
    await live(page).waitFor();
    await lost(page).waitFor({ state: "hidden" });
  });

  test("a page of another version than the server says that it is old", async () => {
    const page = await begin();

    await demo.goAway();
    await demo.comeBack("0.0.1");

    await page.getByText("Spark Control was updated. Reload to see the new version.").waitFor();
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Reload" }).click()]);
    await live(page).waitFor();
    expect(await page.getByText("Spark Control was updated.").count()).toBe(0);
  });

  /** Streams that the tabs of this browser hold, among those that have come through here. */
  function streamsOf(tabs: readonly Page[]): ReadonlySet<Request> {
    const open = new Set<Request>();
    for (const tab of tabs) {
      tab.on("request", (request) => void (request.url().endsWith("/api/events") && open.add(request)));
      tab.on("requestfailed", (request) => void open.delete(request));
      tab.on("requestfinished", (request) => void open.delete(request));
    }
    return open;
  }
  /** So that a test can turn away from a tab: `look`. */
  const HIDEABLE = () => {
    const hidden = { configurable: true, get: () => Reflect.get(window, "isHidden") === true };
    Object.defineProperty(document, "hidden", hidden);
  };
  const look = (page: Page, isHidden: boolean) =>
    page.evaluate((hidden) => {
      Reflect.set(window, "isHidden", hidden);
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);

  test("where tabs cannot share a worker, ten of them share one stream, which goes on without the tab that held it", async () => {
    demo = await startDemo({ hostname: ownHostname(), speed: WATCHABLE });
    const { page } = await openPage(browser, "about:blank");
    const context = page.context();
    await context.addInitScript(WITHOUT_WORKER);
    await context.addInitScript(HIDEABLE);
    const tabs = [page];
    while (tabs.length < TABS) tabs.push(await context.newPage());
    const streams = streamsOf(tabs);
    for (const tab of tabs) await tab.goto(demo.url);
    await Promise.all(tabs.map((tab) => live(tab).waitFor()));
    await until("one tab holds the stream", () => streams.size === 1);

    await startSwap(tabs[7]!, "GPT-OSS 120B");
    await Promise.all(tabs.map((tab) => progressOf(tab, "GPT-OSS 120B").waitFor()));

    // Closed, and turned away from: each time another one goes on.
    const holder = () => tabs.find((tab) => [...streams].some((request) => request.frame().page() === tab))!;
    const first = holder();
    tabs.splice(tabs.indexOf(first), 1);
    await first.close();
    for (const request of streams) if (request.frame().page() === first) (streams as Set<Request>).delete(request);
    await until("another tab holds the stream", () => streams.size === 1);
    const second = holder();
    await look(second, true);
    await until("a tab that is seen holds the stream", () => streams.size === 1 && holder() !== second);
    await Promise.all(tabs.map((tab) => heading(tab, "GPT-OSS 120B is answering").waitFor()));

    await demo.goAway();
    await Promise.all(tabs.filter((tab) => tab !== second).map((tab) => lost(tab).waitFor()));
    await demo.comeBack();
    await Promise.all(tabs.map((tab) => live(tab).waitFor()));
    await until("one stream again", () => streams.size === 1);
  });

  test("a page that nobody looks at and that shares no worker gives its connection back at once, and is current when it is seen again", async () => {
    demo = await startDemo({ hostname: ownHostname() });
    const { page } = await openPage(browser, "about:blank");
    await page.addInitScript(WITHOUT_WORKER);
    await page.addInitScript(HIDEABLE);
    const open = streamsOf([page]);
    await page.goto(demo.url);
    await live(page).waitFor();

    await look(page, true);
    await until("the stream is closed", () => open.size === 0);
    await demo.swap("gpt-oss-20b");
    await look(page, false);

    await heading(page, "GPT-OSS 20B is answering").waitFor();
    await until("it holds one stream", () => open.size === 1);
    expect(await lost(page).count()).toBe(0);
  });

  test("a page that nobody has looked at for 30 s leaves the shared worker, and is current when it is seen again", async () => {
    demo = await startDemo({ hostname: ownHostname() });
    const { page } = await openPage(browser, "about:blank");
    await page.addInitScript(HIDEABLE);
    await page.addInitScript(() => {
      const said: unknown[] = [];
      Object.assign(window, { said });
      const post = MessagePort.prototype.postMessage;
      MessagePort.prototype.postMessage = function (word: unknown) {
        // The page itself has a channel of its own, for its turns.
        if (word !== null) said.push(word);
        post.call(this, word);
      };
    });
    const said = () => page.evaluate(() => Reflect.get(window, "said") as string[]);
    await page.goto(demo.url);
    await live(page).waitFor();

    const turned = performance.now();
    await look(page, true);
    await until("the page leaves", async () => (await said()).at(-1) === "leave", 60_000);
    expect(performance.now() - turned).toBeGreaterThan(29_000);
    await demo.swap("gpt-oss-20b");
    await look(page, false);

    await heading(page, "GPT-OSS 20B is answering").waitFor();
    expect((await said()).filter((word) => word !== "here")).toEqual(["join", "leave", "join"]);
    expect(await lost(page).count()).toBe(0);
  });
});
