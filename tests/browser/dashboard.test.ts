/** The first page in a real browser, against the whole product on a simulated cluster. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Locator, Page } from "playwright-core";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { canBePressed, cannotBePressed, hasFocus } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

/** Slow enough to be met in mid-load, fast enough for a test: GPT-OSS 120B then loads in about 16 s. */
const WATCHABLE_SPEED = 25;
/** Slow enough that a busy machine clicks before it is ready. */
const CANCELLABLE_SPEED = 8;

inBrowser("the dashboard", () => {
  const on = new WatchedDemo();

  const begin = (demo: DemoOptions = {}) => on.begin({ demo });
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const slot = (page: Page, model: string) => page.getByRole("region", { name: model, exact: true });
  async function startSwap(page: Page, model: string): Promise<void> {
    await page.getByRole("button", { name: `Swap to ${model}` }).click();
    const dialog = page.getByRole("dialog", { name: `Swap to ${model}?` });
    await dialog.getByRole("button", { name: `Swap to ${model}` }).click();
    await dialog.waitFor({ state: "hidden" });
  }
  const describedBy = (button: Locator) =>
    button.evaluate((it) => document.getElementById(it.getAttribute("aria-describedby") ?? "")?.textContent ?? "");
  function expectQuiet(): void {
    expect(on.watched.complaints).toEqual([]);
    expect(on.watched.foreign).toEqual([]);
  }

  test("shows the Sparks, the models and that all of it is simulated, and asks nobody else for anything", async () => {
    const page = await begin();

    await page.getByText("This is a simulated cluster.").waitFor();
    await page.getByRole("img", { name: /^Memory of spark-1: .*Free \d+ GB$/ }).waitFor();
    await page.getByRole("rowheader", { name: /^Qwen3 235B A22B/ }).waitFor();
    await page.getByText("No swap yet.").waitFor();
    // What lies on the disks joins the menu once they were looked at; the overview shows the first nine.
    const rows = () => page.getByRole("row").count();
    await until("the models have their rows", async () => (await rows()) === 1 + Math.min(9, await models()));
    await page.waitForFunction(() => document.fonts.check('14px "Geist"'));
    expectQuiet();
  });

  async function models(): Promise<number> {
    const answer = (await (await fetch(`${on.demo.url}/api/models`)).json()) as { models: unknown[] };
    return answer.models.length;
  }

  test("swaps from the click through the plan to Ready", async () => {
    const page = await begin({ speed: WATCHABLE_SPEED });

    await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 20B?" });
    await dialog.getByText("It fits, with").waitFor();
    await hasFocus(dialog.getByRole("button", { name: "Leave it as it is" }));
    // All of it is looked for at once: none lasts longer than the swap.
    await Promise.all([
      page.getByRole("progressbar", { name: "Progress of GPT-OSS 20B" }).waitFor(),
      page.getByRole("log").getByText("vLLM API server version").waitFor(),
      cannotBePressed(page.getByRole("button", { name: "Swap to GLM 4.5 Air" })),
      page.getByText("One swap at a time: GPT-OSS 20B is on its way.").waitFor(),
      dialog.getByRole("button", { name: "Swap to GPT-OSS 20B" }).click(),
    ]);

    await heading(page, "GPT-OSS 20B is answering").waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();
    await slot(page, "GPT-OSS 20B").getByText("openai/gpt-oss-20b").waitFor();
    await page.getByRole("region", { name: "Latest" }).getByText("GPT-OSS 20B").waitFor();
    await canBePressed(page.getByRole("button", { name: "Swap to GLM 4.5 Air" }));
    expectQuiet();
  });

  test("says why a swap failed, shows the line of the log, what to do, and that the old model is back", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    on.demo.cluster.inject({ kind: "out_of_memory", times: 1 });

    await startSwap(page, "GPT-OSS 120B");

    const notice = page.getByRole("region", { name: "GPT-OSS 120B did not start" });
    await notice.getByText("Memory ran out while the model was loading.").waitFor();
    await notice.getByRole("figure", { name: "Evidence" }).getByText("torch.OutOfMemoryError").waitFor();
    await notice.getByText("Lower this model's share of memory (gpu_memory_utilization)").waitFor();
    await notice.getByText("GPT-OSS 20B is back and answers.").waitFor();
    await notice.getByRole("link", { name: "Show the whole log" }).click();
    await page.getByRole("searchbox", { name: "Search the log" }).fill("torch.OutOfMemoryError");
    await page.getByRole("log").getByText("torch.OutOfMemoryError").first().waitFor();
    await page.getByRole("list", { name: "Steps of the swap" }).getByText("Start", { exact: true }).waitFor();
    await page.goBack();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();

    await notice.getByRole("button", { name: "Hide this message" }).click();
    await notice.waitFor({ state: "hidden" });
    expectQuiet();
  });

  test("cancels, after asking", async () => {
    const page = await begin({ speed: CANCELLABLE_SPEED });
    await startSwap(page, "GPT-OSS 120B");

    await page.getByRole("button", { name: "Cancel swap…" }).click();
    const dialog = page.getByRole("dialog", { name: "Stop loading GPT-OSS 120B?" });
    await dialog.getByText("Then no model is loaded there.").waitFor();
    await dialog.getByRole("button", { name: "Stop it" }).click();

    await heading(page, "The swap to GPT-OSS 120B was cancelled").waitFor();
    await slot(page, "Nothing is being served").getByText("No model loaded", { exact: true }).waitFor();
    expectQuiet();
  });

  test("a cancelled swap says what it goes back to, how long that takes, and that it was cancelled", async () => {
    const page = await begin({ speed: CANCELLABLE_SPEED });
    await on.demo.swap("gpt-oss-20b");
    await startSwap(page, "GPT-OSS 120B");
    await page.getByRole("log").getByText("vLLM API server version").waitFor();

    await page.getByRole("button", { name: "Cancel swap…" }).click();
    const dialog = page.getByRole("dialog", { name: "Stop loading GPT-OSS 120B?" });
    await dialog.getByText(/^GPT-OSS 20B is loaded again, which takes (about \d+ s|a few seconds)\.$/).waitFor();
    await dialog.getByRole("button", { name: "Stop and go back" }).click();

    await heading(page, "GPT-OSS 20B again, because the swap to GPT-OSS 120B was cancelled").waitFor();
    await heading(page, "The swap to GPT-OSS 120B was cancelled").waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();
    expectQuiet();
  });

  test("shows the same swap after a reload in the middle of it", async () => {
    const page = await begin({ speed: WATCHABLE_SPEED });
    await startSwap(page, "GPT-OSS 120B");
    await page.getByRole("log").getByText("vLLM API server version").waitFor();

    await page.reload();

    await page.getByRole("progressbar", { name: "Progress of GPT-OSS 120B" }).waitFor();
    await page.getByRole("log").getByText("vLLM API server version").waitFor();
    await cannotBePressed(page.getByRole("button", { name: "Swap to GPT-OSS 20B" }));
    await heading(page, "GPT-OSS 120B is answering").waitFor();
    expectQuiet();
  });

  test("says in the list what cannot fit, and why its button does nothing", async () => {
    const greedy = "models:\n  greedy:\n    name: Greedy\n    repo: example/greedy\n    size_gb: 300\n";
    const page = await begin({ files: { "models-overrides.yaml": greedy } });

    await page
      .getByRole("row", { name: /^Greedy/ })
      .getByText("Does not fit. Its weights take 300 GB")
      .waitFor();
    const button = page.getByRole("button", { name: "Swap to Greedy" });
    await cannotBePressed(button);
    expect(await describedBy(button)).toContain("Does not fit.");
    expectQuiet();
  });

  test("refuses a swap that cannot work before anything is touched", async () => {
    const gone = "models:\n  gone:\n    name: Gone\n    local_path: /home/spark/models/gone\n    size_gb: 8\n";
    const page = await begin({ files: { "models-overrides.yaml": gone } });

    const row = page.getByRole("row", { name: /Gone/ });
    await row.getByText("folder missing").waitFor();
    await row.getByText("Its folder is missing on spark-1.", { exact: true }).waitFor();
    await cannotBePressed(page.getByRole("button", { name: "Swap to Gone" }));

    on.demo.cluster.inject({ kind: "image_missing" });
    await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).click();

    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 20B?" });
    await dialog
      .getByRole("alert")
      .getByText(/^The container image .* is missing on spark-1\.$/)
      .waitFor();
    await cannotBePressed(dialog.getByRole("button", { name: "Swap to GPT-OSS 20B" }));
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expectQuiet();
  });

  test("with a slot on each Spark shows both and asks in which to load", async () => {
    const page = await begin({ topology: twoSlots });
    await on.demo.swap("gpt-oss-20b", { slot: "left" });

    await slot(page, "GPT-OSS 20B").getByText("Slot left. On spark-1.").waitFor();
    await slot(page, "Nothing is being served").waitFor();
    await page.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" }).click();
    const dialog = page.getByRole("dialog", { name: "Swap to Qwen3 30B A3B Instruct?" });
    await dialog.getByText("GPT-OSS 20B on spark-1", { exact: true }).waitFor();
    await dialog.getByText("right, spark-2").click();
    await dialog.getByText("Qwen3 30B A3B Instruct on spark-2", { exact: true }).waitFor();
    await dialog.getByText("GPT-OSS 20B in slot left").waitFor();
    await dialog.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" }).click();

    await slot(page, "Qwen3 30B A3B Instruct").getByText("Ready", { exact: true }).waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();
    expectQuiet();
  });

  test("does not go back when the person does not want it", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    on.demo.cluster.inject({ kind: "out_of_memory", times: 1 });

    await page.getByRole("button", { name: "Swap to GPT-OSS 120B" }).click();
    const dialog = page.getByRole("dialog", { name: "Swap to GPT-OSS 120B?" });
    await dialog.getByRole("checkbox", { name: "If it does not start, go back to GPT-OSS 20B" }).uncheck();
    await dialog.getByRole("button", { name: "Swap to GPT-OSS 120B" }).click();

    const notice = page.getByRole("region", { name: "GPT-OSS 120B did not start" });
    await notice.getByRole("button", { name: "Back to GPT-OSS 20B…" }).waitFor();
    await slot(page, "Nothing is being served").waitFor();
    expectQuiet();
  });

  test("disables what no slot has enough Sparks for, and says so", async () => {
    const page = await begin({ nodes: 1 });

    await page
      .getByRole("row", { name: /^GLM 4.5 Air/ })
      .getByText("Does not fit. No slot has 2 Sparks.")
      .waitFor();
    await cannotBePressed(page.getByRole("button", { name: "Swap to GLM 4.5 Air" }));
    await canBePressed(page.getByRole("button", { name: "Swap to GPT-OSS 20B" }));
  });

  test("with no Spark set up, asks for its address, and says what of the configuration could not be used", async () => {
    const page = await begin({ topology: () => "nodes: []\nsettings:\n  stall_seconds: soon\n" });

    await page.getByRole("region", { name: "Connect your Sparks" }).getByLabel("Address", { exact: true }).waitFor();
    await page.getByText("topology.yaml, line 3, settings.stall_seconds:").waitFor();
    await cannotBePressed(page.getByRole("button", { name: "Swap to GPT-OSS 20B" }));
    await page.getByRole("region", { name: "Models" }).getByText("No Spark is set up yet.").waitFor();
    expectQuiet();
  });

  for (const width of [360, 1600])
    test(`fits into ${width} px`, async () => {
      const page = await begin();
      await on.demo.swap("gpt-oss-20b");
      await page.setViewportSize({ width, height: 800 });
      await slot(page, "GPT-OSS 20B").waitFor();

      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    });

  test("says so when the connection has been gone for five seconds", async () => {
    const page = await begin();
    await on.demo.swap("gpt-oss-20b");
    await slot(page, "GPT-OSS 20B").getByText("Ready", { exact: true }).waitFor();

    await on.demo.restart(); // It comes back on another port: for this page it is gone.

    await page.getByRole("alert").getByText("No connection to Spark Control since").waitFor();
    await slot(page, "GPT-OSS 20B").getByText("Was ready").waitFor();
    await cannotBePressed(page.getByRole("button", { name: "Swap to GLM 4.5 Air" }));
  });
});

/** A slot on each Spark instead of one across both. */
function twoSlots(yaml: string): string {
  const at = (name: string, node: string) =>
    `  - name: ${name}\n    nodes: [${node}]\n    port: 8888\n    container: vllm_node\n    image: vllm-node\n`;
  return `${yaml.slice(0, yaml.indexOf("slots:"))}slots:\n${at("left", "spark-1")}${at("right", "spark-2")}`;
}
