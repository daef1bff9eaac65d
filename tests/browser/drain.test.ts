/** A swap whose requests take too long, in a real browser: it asks, and does what is answered. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { cannotBePressed } from "./waits.ts";
import { live, startSwap, swapButton } from "./wording.ts";

setDefaultTimeout(90_000);

inBrowser("a swap that waits for requests", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  let page: Page;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterEach(async () => {
    await page?.context().close();
    await demo?.close();
  });
  afterAll(() => browser?.close());

  /** Two chats run that last longer than the swap waits. */
  async function begin(seconds: number, path = "/"): Promise<void> {
    const topology = (yaml: string) => `${yaml}settings:\n  drain_seconds: ${seconds}\n`;
    demo = await startDemo({ hostname: ownHostname(), topology, speed: 50 });
    await demo.swap("gpt-oss-20b");
    const long = { stream: true, min_tokens: 100_000, max_tokens: 100_000 };
    const body = { model: "gpt-oss-20b", messages: [{ role: "user", content: "Hello" }], ...long };
    for (let at = 0; at < 2; at++)
      void demo
        .post("/v1/chat/completions", body)
        .then((answer) => answer.text())
        .catch(() => undefined);
    await until("both run", () => demo.plane.gateway.inFlight("main") === 2);
    watched = await openPage(browser, demo.url + path);
    page = watched.page;
    await live(page).waitFor();
  }

  test("the plan says so before, the panel says how many remain, and asks; waiting waits, cutting off cuts", async () => {
    await begin(3);
    await swapButton(page, "GPT-OSS 120B").click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 120B?" });
    await dialog
      .getByText(/2 requests are still running; they finish first, for at most 3 s; then you are asked\./)
      .waitFor();
    const waits = page.getByRole("status").getByText("2 requests are still running; they finish first.");
    // Both are there for 3 s.
    await Promise.all([
      waits.waitFor(),
      page.getByText(/^At \d\d:\d\d:\d\d you are asked whether to cut off what still runs\.$/).waitFor(),
      dialog.getByRole("button", { name: "Swap to GPT-OSS 120B" }).click(),
    ]);
    await page
      .getByRole("status")
      .getByText(/^2 requests are still running after .* or cancel the swap\?$/)
      .waitFor();
    await Promise.all([waits.waitFor(), page.getByRole("button", { name: "Keep waiting" }).click()]);
    expect(demo.plane.gateway.inFlight("main")).toBe(2);
    await page.getByRole("button", { name: "Cut off 2 requests" }).click();

    await until("they are cut off", () => demo.plane.gateway.inFlight("main") === 0);
    await page.getByRole("heading", { name: "GPT-OSS 120B is answering" }).waitFor();
    expect(watched.complaints).toEqual([]);
  });

  test("on the page of the swap too; cancelled then, nothing was stopped", async () => {
    await begin(1, "/models");
    await startSwap(page, "GPT-OSS 120B");
    const [job] = demo.plane.swaps.list(1) satisfies SwapJob[] as [SwapJob];
    await page.goto(`${demo.url}/activity/${job.job_id}`);
    await page.getByRole("button", { name: "Cut off 2 requests" }).waitFor();
    await page.getByRole("button", { name: "Cancel swap…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("GPT-OSS 20B was not stopped yet and goes on.").waitFor();
    await dialog.getByRole("button", { name: "Stop and go back" }).click();

    await page.getByText("Cancelled", { exact: true }).first().waitFor();
    expect(demo.plane.gateway.inFlight("main")).toBe(2);
  });

  test("somebody else's reservation leaves the answer to them", async () => {
    await begin(1);
    const lock = (await (await demo.post("/api/swap/lock", { holder: "nightly", ttl_seconds: 600 })).json()) as {
      token: string;
    };
    await demo.post("/api/swap", { model: "gpt-oss-120b", token: lock.token });
    const cut = page.getByRole("button", { name: "Cut off 2 requests" });
    await cut.waitFor();

    await cannotBePressed(cut);
    await page.getByText("Only whoever has reserved the GPUs can answer now.").waitFor();
  });
});
