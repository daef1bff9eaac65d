/** The menu of models as it is managed on the page of models: entries, files on the disks, downloads. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { cannotBePressed, hasFocus, holds, isInvalid } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

/** A download of 2 GB then takes about 9 s. */
const WATCHABLE = 2;
const OWN = `models:
  # for letters
  own:
    name: Own model
    repo: example/own-1b
    size_gb: 2
    gpu_memory_utilization: 0.4
`;

inBrowser("managing models in the dashboard", () => {
  const on = new WatchedDemo();
  const begin = (demo: DemoOptions = {}) =>
    on.begin({ path: "/models", demo: { files: { "models-overrides.yaml": OWN }, ...demo } });
  const overrides = () => {
    const path = join(on.demo.dataDir, "models-overrides.yaml");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  const desk = (page: Page) => page.getByRole("region", { name: "Manage models" });
  const downloads = (page: Page) => page.getByRole("region", { name: "Downloads" });
  const row = (page: Page, name: string) => desk(page).getByRole("listitem", { name, exact: true });
  const inMenu = (page: Page, name: string) => page.getByRole("rowheader", { name: new RegExp(`^${name}`) });
  const press = (page: Page, name: string) => desk(page).getByRole("button", { name, exact: true }).click();

  test("an entry is added; what is wrong with it stands at its field, and nothing is written", async () => {
    const page = await begin();
    await press(page, "Add…");
    const dialog = page.getByRole("dialog", { name: "Add a model?" });
    await page.keyboard.type("letters");
    await dialog.getByLabel("Name", { exact: true }).fill("Letters <b>8B</b>");
    await dialog.getByLabel("Repository").fill("example/letters-8b");
    await dialog.getByLabel("Share of memory").fill("7");
    await dialog.getByRole("button", { name: "Add it" }).click();
    await dialog.getByRole("alert").getByText("Nothing was saved. What is wrong stands at the fields.").waitFor();
    const share = dialog.getByLabel("Share of memory");
    await isInvalid(share);
    await hasFocus(share);
    expect(overrides()).toBe(OWN);

    await share.fill("0.5");
    await dialog.getByLabel("Arguments").fill("--max-num-seqs\n64");
    await dialog.getByText("More fields").click();
    await dialog.getByLabel("Environment").fill("VLLM_LOGGING_LEVEL=DEBUG");
    await dialog.getByRole("button", { name: "Add it" }).click();
    await dialog.waitFor({ state: "hidden" });
    // Text of a model is text.
    await row(page, "Letters <b>8B</b>").getByText("added", { exact: true }).waitFor();
    await inMenu(page, "Letters <b>8B</b>").waitFor();
    const added = on.demo.plane.config.current.catalog.models.find(({ key }) => key === "letters");
    expect(added).toMatchObject({ gpu_memory_utilization: 0.5, env: { VLLM_LOGGING_LEVEL: "DEBUG" } });
    expect(overrides()).toContain("# for letters");
  });

  test("an entry is changed; one that somebody else has changed meanwhile is not", async () => {
    const page = await begin();
    await press(page, "Edit Own model");
    const dialog = page.getByRole("dialog", { name: "Change Own model?" });
    await dialog.getByLabel("Name", { exact: true }).fill("Renamed");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row(page, "Renamed").waitFor();
    expect(overrides()).toContain("# for letters");

    await press(page, "Edit Renamed");
    const again = page.getByRole("dialog", { name: "Change Renamed?" });
    await again.getByLabel("Name", { exact: true }).fill("Mine");
    const theirs = overrides().replace("Renamed", "Theirs");
    writeFileSync(join(on.demo.dataDir, "models-overrides.yaml"), theirs);
    await again.getByRole("button", { name: "Save" }).click();
    await again.getByRole("alert").waitFor();
    expect(overrides()).toBe(theirs);
  });

  test("an entry that somebody else has changed since the question was asked is not taken out", async () => {
    const page = await begin();
    await press(page, "Remove Own model");
    const dialog = page.getByRole("dialog", { name: "Take Own model out of the list?" });
    await dialog.waitFor();
    const theirs = overrides().replace("Own model", "Theirs");
    writeFileSync(join(on.demo.dataDir, "models-overrides.yaml"), theirs);
    await dialog.getByRole("button", { name: "Take it out" }).click();
    await dialog.getByRole("alert").waitFor();
    expect(overrides()).toBe(theirs);
  });

  test("a shipped model is hidden, and brought back", async () => {
    const page = await begin();
    await press(page, "Hide GPT-OSS 20B");
    await page.getByRole("dialog").getByRole("button", { name: "Take it out" }).click();
    await inMenu(page, "GPT-OSS 20B").waitFor({ state: "detached" });
    await page.reload();
    await row(page, "GPT-OSS 20B").getByText("hidden", { exact: true }).waitFor();
    await press(page, "Restore GPT-OSS 20B");
    await inMenu(page, "GPT-OSS 20B").waitFor();
    expect(overrides()).toBe(OWN);
    expect(on.watched.complaints).toEqual([]);
  });

  test("what lies on a disk is suggested, and becomes an entry", async () => {
    const page = await begin();
    await inMenu(page, "Qwen3-8B-FP8").getByText("on disk").waitFor();
    const suggested = desk(page).getByRole("group", { name: "Suggested for your Sparks" });
    await suggested.getByText("Qwen3-8B-FP8", { exact: true }).waitFor();
    await suggested.getByRole("button", { name: "Add Qwen3-8B-FP8" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Qwen3-8B-FP8?" });
    await holds(dialog.getByLabel("Repository"), "Qwen/Qwen3-8B-FP8");
    await dialog.getByRole("button", { name: "Add it" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row(page, "Qwen3-8B-FP8").getByText("added", { exact: true }).waitFor();
    await suggested.getByText("Qwen3-8B-FP8", { exact: true }).waitFor({ state: "detached" });
    expect(on.watched.complaints).toEqual([]);
  });

  test("a download is shown while it runs, cancelled, gone on with, and done", async () => {
    const page = await begin({ speed: WATCHABLE, machineTiming: { downloadMs: 200 } });
    await inMenu(page, "Own model").getByText("needs download").waitFor();
    await press(page, "Download Own model");
    const item = downloads(page).getByRole("listitem", { name: "Own model" });
    await item.first().getByRole("progressbar", { name: "Download of Own model" }).waitFor();
    await item
      .first()
      .getByText(/ of 2\.0 GB, .*\/s/)
      .waitFor();
    await item.first().getByRole("button", { name: "Cancel the download of Own model" }).click();
    await item
      .first()
      .getByText(/^Cancelled, /)
      .waitFor();

    await item.first().getByRole("button", { name: "Go on with the download of Own model" }).click();
    await item
      .first()
      .getByText(/^Done, /)
      .waitFor();
    await row(page, "Own model")
      .getByText(/^spark-1 2\.\d GB, spark-2 2\.\d GB$/)
      .waitFor();
    expect(on.watched.complaints).toEqual([]);
  });

  test("what is on no disk says Download, and can be had without a swap: what is served goes on", async () => {
    const page = await begin({ speed: WATCHABLE, machineTiming: { downloadMs: 200 } });
    const menu = page.getByRole("region", { name: "Models", exact: true });
    const button = menu.getByRole("button", { name: "Download and swap to Own model" });
    await inMenu(page, "Own model").getByText("needs download").waitFor();
    expect(await button.textContent()).toBe("Download…");
    await menu
      .getByRole("row", { name: /^Own model/ })
      .getByText("after the download")
      .waitFor();
    await button.click();
    const dialog = page.getByRole("dialog", { name: "Download and swap to Own model?" });
    await dialog.getByRole("button", { name: "Download and swap to Own model" }).waitFor();
    await dialog.getByText("It is not on spark-1 yet: vLLM downloads about 2 GB first", { exact: false }).waitFor();
    // What is said goes again after some seconds.
    await Promise.all([
      page.getByText("Own model is being downloaded.", { exact: false }).waitFor(),
      dialog.getByRole("button", { name: "Only download it" }).click(),
    ]);
    await dialog.waitFor({ state: "hidden" });
    await menu
      .getByRole("row", { name: /^Own model/ })
      .getByText(/^Downloading, \d+/)
      .waitFor();

    await menu.getByRole("button", { name: "Swap to Own model", exact: true }).click();
    await page.getByRole("dialog", { name: "Swap to Own model?", exact: true }).getByText("It fits, with").waitFor();
    expect(on.demo.plane.swaps.list(1)).toEqual([]);
    expect(on.watched.complaints).toEqual([]);
  });

  test("what is served is not said to need a download, whatever was last seen on the disks", async () => {
    const page = await begin();
    const served = page.getByRole("region", { name: "Models", exact: true }).getByRole("row", { name: /^Own model/ });
    await served.getByText("needs download").waitFor();
    await on.demo.swap("own");
    await served.getByText("Serving").waitFor();
    for (const old of ["needs download", "not on disk", "after the download"])
      expect(await served.getByText(old).count()).toBe(0);
  });

  test("a download that fails says why and what to do; what cannot be loaded yet says so", async () => {
    const page = await begin();
    on.demo.cluster.inject({ kind: "worker_ssh_denied" });
    await on.demo.post("/api/downloads", { repo: "example/odd-0.1b" });
    const item = downloads(page).getByRole("listitem", { name: "example/odd-0.1b" });
    await item.getByText(/^Failed, /).waitFor();
    await item.getByText("The model is on spark-1, but could not be copied to spark-2.").waitFor();
    await item.getByText(/Permission denied/).waitFor();
    await inMenu(page, "odd-0.1b").getByText("needs set-up").waitFor();
    const swap = page.getByRole("button", { name: "Swap to odd-0.1b" });
    await cannotBePressed(swap);
    const reason = await swap.getAttribute("aria-describedby");
    expect(await page.locator(`[id="${reason}"]`).textContent()).toContain("config.json");
  });

  test("files are deleted once the key is typed, and not while the model is served", async () => {
    const page = await on.begin({ path: "/models", model: "gpt-oss-20b" });
    await press(page, "Delete files of GPT-OSS 20B");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("To confirm, type gpt-oss-20b").fill("gpt-oss-20b");
    await dialog.getByRole("button", { name: "Delete the files" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByRole("button", { name: "Keep the files" }).click();

    await press(page, "Delete files of MiniMax M2");
    await dialog.getByLabel("To confirm, type minimax-m2").fill("something else");
    await dialog.getByRole("button", { name: "Delete the files" }).click();
    await dialog.getByRole("alert").waitFor();
    const folder = "/home/spark/.cache/huggingface/hub/models--QuantTrio--MiniMax-M2-AWQ";
    const isThere = () => on.demo.cluster.nodes.map(({ files }) => files.isFolder(folder));
    expect(isThere()).toEqual([true, true]);
    await dialog.getByLabel("To confirm, type minimax-m2").fill("minimax-m2");
    await dialog.getByRole("button", { name: "Delete the files" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row(page, "MiniMax M2").getByText("On no disk").waitFor();
    await row(page, "MiniMax M2").getByRole("button", { name: "Download MiniMax M2" }).waitFor();
    expect(isThere()).toEqual([false, false]);
  });

  test("for a folder of one's own the Sparks are asked, and what they tell is there to take", async () => {
    const page = await begin();
    const config = { architectures: ["Qwen3ForCausalLM"], max_position_embeddings: 32_768, torch_dtype: "bfloat16" };
    const { files } = on.demo.cluster.nodes[0]!;
    files.addText("/models/letters-8b/config.json", JSON.stringify(config));
    files.addFolder("/models/letters-8b", 16_000_000);
    await press(page, "Add…");
    const dialog = page.getByRole("dialog", { name: "Add a model?" });
    const folder = dialog.getByLabel("Folder", { exact: true });
    await dialog.getByLabel("Name", { exact: true }).fill("My letters");

    await folder.fill("/models/letter-8b");
    await dialog.getByText(/There is no folder \/models\/letter-8b on any Spark\. Check how it is spelt\./).waitFor();
    // What begins like no path is asked about once the field is left.
    await folder.fill("letters-8b");
    await folder.press("Tab");
    await dialog.getByText(/from the first slash on/).waitFor();

    await folder.fill("/models/letters-8b");
    await dialog
      .getByText(/^On spark-1 \(16\.\d GB\)\. Another Spark can serve it once it lies in the same folder/)
      .waitFor();
    await dialog.getByRole("button", { name: "Fill in what is blank" }).click();
    await holds(dialog.getByLabel("Key"), "letters-8b");
    await holds(dialog.getByLabel("Longest context"), "32768");
    await holds(dialog.getByLabel("Name", { exact: true }), "My letters");
    await dialog.getByRole("button", { name: "Use letters-8b as: Name" }).click();
    await holds(dialog.getByLabel("Name", { exact: true }), "letters-8b");
    await dialog.getByText(/All that was found is filled in\./).waitFor();
    await hasFocus(folder);

    await dialog.getByRole("button", { name: "Add it" }).click();
    await row(page, "letters-8b").getByText("added", { exact: true }).waitFor();
    const added = on.demo.plane.config.current.catalog.models.find(({ key }) => key === "letters-8b");
    expect(added).toMatchObject({ source: { kind: "local", path: "/models/letters-8b" }, max_model_len: 32_768 });
  });

  test("a folder that cannot be looked into says how to go on", async () => {
    const page = await begin();
    for (const node of ["spark-1", "spark-2"]) on.demo.cluster.inject({ kind: "unreachable", how: "reset", node });
    await press(page, "Add…");
    const dialog = page.getByRole("dialog", { name: "Add a model?" });
    await dialog.getByLabel("Folder", { exact: true }).fill("/models/letters-8b");
    await dialog.getByText(/You can go on without: fill in the fields yourself\.$/).waitFor();
    on.demo.cluster.clear();
    on.demo.cluster.nodes[0]!.files.addText("/models/letters-8b/config.json", "{}");
    const kind = dialog.getByText("Its config.json does not say what kind of model it is.");
    // A connection that was refused is not tried again at once.
    await until(
      "it is found",
      async () => {
        const again = dialog.getByRole("button", { name: "Look again" });
        if (await again.isVisible()) await again.click();
        return kind.isVisible();
      },
      30_000,
    );
  });
});
