/** The first page in a real browser, against the whole product on a simulated cluster. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";

setDefaultTimeout(60_000);

/** Slow enough to be met in mid-load, fast enough for a test: GPT-OSS 120B then loads in about 10 s. */
const WATCHABLE_SPEED = 40;

inBrowser("the dashboard", () => {
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

  async function begin(options: DemoOptions = {}): Promise<Page> {
    demo = await startDemo({ hostname: ownHostname(), ...options });
    watched = await openPage(browser, demo.url);
    await watched.page.getByRole("banner").getByText("Live", { exact: true }).waitFor();
    return watched.page;
  }
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const slot = (page: Page, model: string) => page.getByRole("region", { name: model, exact: true });
  async function startSwap(page: Page, model: string): Promise<void> {
    await page.getByRole("button", { name: `Swap to ${model}` }).click();
    const dialog = page.getByRole("dialog", { name: `Swap to ${model}?` });
    await dialog.getByRole("button", { name: `Swap to ${model}` }).click();
    await dialog.waitFor({ state: "hidden" });
  }
  function expectQuiet(): void {
    expect(watched.complaints).toEqual([]);
    expect(watched.foreign).toEqual([]);
  }

  test("shows the Sparks, the models and that all of it is simulated, and asks nobody else for anything", async () => {
    const page = await begin();

    await page.getByText("This is a simulated cluster.").waitFor();
    await page.getByRole("img", { name: /^Memory of spark-1: .*Free \d+ GB$/ }).waitFor();
    await page.getByRole("rowheader", { name: /^Qwen3 235B A22B/ }).waitFor();
    await page.getByText("No swap yet.").waitFor();
    expect(await page.getByRole("row").count()).toBe(1 + (await models()));
    expect(await page.evaluate(() => document.fonts.check('14px "Geist"'))).toBe(true);
    expectQuiet();
  });

  async function models(): Promise<number> {
    const answer = (await (await fetch(`${demo.url}/api/models`)).json()) as { models: unknown[] };
    return answer.models.length;
  }

  test("swaps from the click through the plan to Ready", async () => {
    const page = await begin({ speed: WATCHABLE_SPEED });

    await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 20B?" });
    await dialog.getByText("It fits, with").waitFor();
    expect(
      await dialog.getByRole("button", { name: "Leave it as it is" }).evaluate((it) => it === document.activeElement),
    ).toBe(true);
    await dialog.getByRole("button", { name: "Swap to GPT-OSS 20B" }).click();

    const progress = page.getByRole("progressbar", { name: "Progress of GPT-OSS 20B" });
    await progress.waitFor();
    await page.getByRole("log").getByText("vLLM API server version").waitFor();
    expect(await page.getByRole("button", { name: "Swap to GLM 4.5 Air" }).isDisabled()).toBe(true);
    await page.getByText("One swap at a time: GPT-OSS 20B is on its way.").waitFor();

    await heading(page, "GPT-OSS 20B is answering").waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();
    await slot(page, "GPT-OSS 20B").getByText("openai/gpt-oss-20b").waitFor();
    await page.getByRole("region", { name: "Last swaps" }).getByText("GPT-OSS 20B").waitFor();
    expect(await page.getByRole("button", { name: "Swap to GLM 4.5 Air" }).isEnabled()).toBe(true);
    expectQuiet();
  });

  test("says why a swap failed, shows the line of the log, what to do, and that the old model is back", async () => {
    const page = await begin();
    await demo.swap("gpt-oss-20b");
    demo.cluster.inject({ kind: "out_of_memory", times: 1 });

    await startSwap(page, "GPT-OSS 120B");

    const notice = page.getByRole("region", { name: "GPT-OSS 120B did not start" });
    await notice.getByText("Memory ran out while the model was loading.").waitFor();
    await notice.getByRole("figure", { name: "Evidence" }).getByText("torch.OutOfMemoryError").waitFor();
    await notice.getByText("Lower gpu_memory_utilization").waitFor();
    await notice.getByText("GPT-OSS 20B is back and answers.").waitFor();
    await notice.getByText("The whole log").click();
    await notice.getByRole("searchbox", { name: "Search the log" }).fill("torch.OutOfMemoryError");
    await notice.getByRole("log").getByText("torch.OutOfMemoryError").first().waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();

    await notice.getByRole("button", { name: "Hide this message" }).click();
    await notice.waitFor({ state: "hidden" });
    expectQuiet();
  });

  test("cancels, after asking", async () => {
    const page = await begin({ speed: WATCHABLE_SPEED });
    await startSwap(page, "GPT-OSS 120B");

    await page.getByRole("button", { name: "Cancel…" }).click();
    const dialog = page.getByRole("dialog", { name: "Stop loading GPT-OSS 120B?" });
    await dialog.getByText("Then no model is loaded there.").waitFor();
    await dialog.getByRole("button", { name: "Stop it" }).click();

    await heading(page, "The swap to GPT-OSS 120B was cancelled").waitFor();
    await slot(page, "No model").getByText("Idle", { exact: true }).waitFor();
    expectQuiet();
  });

  test("shows the same swap after a reload in the middle of it", async () => {
    const page = await begin({ speed: WATCHABLE_SPEED });
    await startSwap(page, "GPT-OSS 120B");
    await page.getByRole("log").getByText("vLLM API server version").waitFor();

    await page.reload();

    await page.getByRole("progressbar", { name: "Progress of GPT-OSS 120B" }).waitFor();
    await page.getByRole("log").getByText("vLLM API server version").waitFor();
    expect(await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).isDisabled()).toBe(true);
    await heading(page, "GPT-OSS 120B is answering").waitFor();
    expectQuiet();
  });

  test("refuses a swap that does not fit before anything is touched", async () => {
    const greedy =
      "models:\n  greedy:\n    name: Greedy\n    repo: example/greedy\n    size_gb: 300\n    gpu_memory_utilization: 0.8\n";
    const page = await begin({ files: { "models-overrides.yaml": greedy } });

    await page.getByRole("button", { name: "Swap to Greedy" }).click();

    const dialog = page.getByRole("dialog", { name: "Swap to Greedy?" });
    await dialog.getByRole("alert").getByText("Does not fit on spark-1").waitFor();
    expect(await dialog.getByRole("button", { name: "Swap to Greedy" }).isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expectQuiet();
  });

  test("disables what no slot has enough Sparks for, and says so", async () => {
    const page = await begin({ nodes: 1 });

    await page
      .getByRole("rowheader", { name: /^GLM 4.5 Air/ })
      .getByText("No slot has 2 Sparks.")
      .waitFor();
    expect(await page.getByRole("button", { name: "Swap to GLM 4.5 Air" }).isDisabled()).toBe(true);
    expect(await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).isEnabled()).toBe(true);
  });

  test("with no Spark set up, says what to write where, and what of the configuration could not be used", async () => {
    const page = await begin({ topology: () => "nodes: []\nsettings:\n  stall_seconds: soon\n" });

    const setUp = page.getByRole("region", { name: "Connect your Sparks" });
    await setUp.getByText("~/.ssh/authorized_keys").waitFor();
    await setUp.getByText(demo.plane.identity.publicKeyLine).waitFor();
    await setUp.getByText("SPARK1_HOST").waitFor();
    await page.getByText("topology.yaml, line 3, settings.stall_seconds:").waitFor();
    expect(await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).isDisabled()).toBe(true);
    await page.getByText("No Spark is set up yet.").waitFor();
    expectQuiet();
  });

  for (const width of [360, 1600])
    test(`fits into ${width} px`, async () => {
      const page = await begin();
      await demo.swap("gpt-oss-20b");
      await page.setViewportSize({ width, height: 800 });
      await slot(page, "GPT-OSS 20B").waitFor();

      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    });

  test("says so when the connection has been gone for five seconds", async () => {
    const page = await begin();
    await demo.swap("gpt-oss-20b");
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();

    await demo.restart(); // It comes back on another port: for this page it is gone.

    await page.getByRole("alert").getByText("No connection to Spark Control since").waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Was ready").waitFor();
    expect(await page.getByRole("button", { name: "Swap to GLM 4.5 Air" }).isDisabled()).toBe(true);
  });
});
