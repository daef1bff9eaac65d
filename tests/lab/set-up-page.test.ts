/**
 * The first run as an owner has it: a fresh controller on an address of the LAN, two hosts that know nothing of it, a
 * browser on a cable of its own. The lines that the page shows are pasted on the hosts; at the end a model answers.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { Status } from "../../lib/status.ts";
import { buildDashboard } from "../../public/_build.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "../browser/browser.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import type { Host } from "./host.ts";
import { type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";
import { ETHERNET } from "./network.ts";

setDefaultTimeout(180_000);

const { available, how } = await labAvailability();
const MODELS = "models:\n  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }\n";
const inLab = requirement("the first run in the lab", available, how);

inBrowser("the first run", () => inLab("in the lab", firstRun));

function firstRun(): void {
  let lab: Lab;
  let browser: Browser;
  let data: ReturnType<typeof makeDataDir>;
  let controller: Controller;
  beforeAll(async () => {
    await buildDashboard();
    lab = await startLab({ dialect: "new" });
    data = makeDataDir({ "models-overrides.yaml": MODELS });
    browser = await launchChromium();
    // On all addresses: the browser's cable leads to the controller, not to the network of the hosts.
    controller = await Controller.start({ dataDir: data.dataDir, env: { HOST: "0.0.0.0" } });
  });
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
    if (lab) await removeContainers(lab);
    await lab?.close();
    data?.remove();
  });

  const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const identity = (page: Page, host: Host) =>
    page
      .getByRole("region", { name: new RegExp(`^${host.name} `) })
      .getByRole("listitem")
      .filter({ has: page.getByText("Identity", { exact: true }) });

  async function enter(page: Page, host: Host): Promise<void> {
    const group = page.getByRole("group", { name: new RegExp(`^${host.name}`) });
    await group.getByLabel("Address", { exact: true }).fill(host.address);
    await group.getByLabel("User", { exact: true }).fill(host.user);
    await group.getByText("Port, folder, network cards").click();
    await group.getByLabel("Network card", { exact: true }).fill(ETHERNET);
    await group.getByLabel("Fast network card (RDMA)").fill("rocep1s0f1");
  }
  /** What the host itself prints for its key. */
  async function ownFingerprint(host: Host): Promise<string> {
    const file = join(data.dataDir, `${host.name}.pub`);
    await Bun.write(file, `${await host.hostKey()}\n`);
    return Bun.spawnSync(["ssh-keygen", "-lf", file]).stdout.toString().split(" ")[1]!;
  }

  test("from nothing to a model that answers", async () => {
    const url = `http://${ownHostname()}:${new URL(controller.url).port}`;
    const { page, complaints } = await openPage(browser, url);
    await heading(page, "Where are your Sparks?").waitFor();
    await enter(page, lab.head);
    await button(page, "Add a second Spark").click();
    await enter(page, lab.worker);
    await button(page, "Continue").click();

    await heading(page, "Let Spark Control in").waitFor();
    const line = await page.getByRole("group", { name: "line that lets Spark Control in" }).textContent();
    for (const host of lab.hosts) expect((await host.exec(line ?? "")).exitCode).toBe(0);
    await button(page, "I have pasted it: check").click();

    for (const host of lab.hosts) {
      await identity(page, host)
        .getByText(await ownFingerprint(host))
        .waitFor();
      await button(page, `It is the same: trust ${host.name}`).click();
    }
    await page.getByText(/^(All 21 checks passed|Everything needed is there)/).waitFor();
    await button(page, "Save").click();

    await heading(page, "Connected").waitFor();
    await until("both hosts are reachable", async () => {
      const { nodes } = (await (await fetch(`${url}/api/status`)).json()) as Status;
      return nodes.length === 2 && nodes.every(({ state }) => state === "reachable");
    });
    await page
      .getByRole("button", { name: /^(Swap|Download and swap) to small/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: /^(Swap|Download and swap) to small/ }).click();
    await until(
      "the model answers",
      async () => (await fetch(`${lab.vllmUrl}/v1/models`).catch(() => null))?.ok === true,
      120_000,
    );
    await page.getByText("Ready", { exact: true }).first().waitFor({ timeout: 60_000 });
    expect(
      complaints.filter((text) => !/^(Failed to load resource|The Cross-Origin-Opener-Policy)/.test(text)),
    ).toEqual([]);
  });
}
