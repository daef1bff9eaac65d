/** The dashboard against real hosts: what a person sees of a swap that works and of one that fails. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { hasChromium, launchChromium, openPage, ownHostname, type WatchedPage } from "../browser/browser.ts";
import { heading, live, logOf, progressOf, startSwap } from "../browser/wording.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import { type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";

setDefaultTimeout(180_000);

const { available, how } = await labAvailability();
const inLab = requirement(
  "the dashboard in the lab",
  available && hasChromium,
  available ? "Chromium is missing (apt-get install chromium)" : how,
);

const PATIENCE_MS = 90_000;
const MODELS = `models:
  small: { name: Small, repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  other: { name: Other, repo: acme/other, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
`;

inLab("the dashboard, with hosts of the lab", () => {
  let lab: Lab;
  let data: ReturnType<typeof makeDataDir>;
  let controller: Controller;
  let browser: Browser;
  let watched: WatchedPage;
  beforeAll(async () => {
    await buildDashboard();
    lab = await startLab({ dialect: "new" });
    data = makeDataDir({ "topology.yaml": lab.topologyYaml, "models-overrides.yaml": MODELS });
    await lab.authorize(data.publicKeyLine);
    browser = await launchChromium();
    // On all addresses: the test asks on loopback, the browser where people do.
    controller = await Controller.start({ dataDir: data.dataDir, env: { HOST: "0.0.0.0" } });
    watched = await openPage(browser, `http://${ownHostname()}:${new URL(controller.url).port}`);
    watched.page.setDefaultTimeout(PATIENCE_MS);
    await live(watched.page).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
    data?.remove();
    if (lab) await removeContainers(lab);
    await lab?.close();
  });

  test("a swap, from the click to the model that answers", async () => {
    const { page } = watched;
    await lab.behave({ models: { "acme/small": { loadSeconds: 8 } } });
    await startSwap(page, "Small");

    await progressOf(page, "Small").waitFor();
    await logOf(page).getByText("vLLM API server version").waitFor();
    await heading(page, "Small is answering").waitFor();
    const models = await (await fetch(`${lab.vllmUrl}/v1/models`)).json();
    expect(models).toMatchObject({ data: [{ id: "acme/small" }] });
    expect(watched.complaints).toEqual([]);
    expect(watched.foreign).toEqual([]);
  });

  test("a swap that fails, with its reason, the line that shows it, and the former model back", async () => {
    const { page } = watched;
    await lab.behave({ models: { "acme/other": { fail: "oom" } } });
    // Overview names the first models only.
    await page.getByRole("navigation").getByRole("link", { name: "Models" }).click();
    await startSwap(page, "Other");
    await page.getByRole("navigation").getByRole("link", { name: "Overview" }).click();

    const notice = page.getByRole("region", { name: "Other did not start" });
    await notice
      .getByRole("figure", { name: "Evidence" })
      .getByText(/OutOfMemoryError|Free memory on device/)
      .waitFor();
    await notice.getByText("Small is back and answers.").waitFor();
    await notice.getByRole("link", { name: "Show the whole log" }).click();
    await page.getByRole("searchbox", { name: "Search the log" }).fill("memory");
    await logOf(page).locator("mark").first().waitFor();
    expect(watched.complaints).toEqual([]);
  });
});
