/**
 * The first run in a real browser: from nothing configured to Sparks that are checked and saved. The page is opened under
 * a name of the LAN, at an address that is not loopback: what plain HTTP forbids is forbidden here.
 */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { canBePressed, cannotBePressed, hasFocus, holds, isInvalid } from "./waits.ts";

setDefaultTimeout(60_000);

const NAME = "spark-control.local";
/** Of a controller that is a process of its own: the test asks on loopback, the browser where people do. */
const EVERYWHERE = { HOST: "0.0.0.0" };

inBrowser("set-up", () => {
  let browser: Browser;
  let demo: Demo | undefined;
  let controller: Controller | undefined;
  let watched: WatchedPage;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium([`--host-resolver-rules=MAP ${NAME} ${ownHostname()}`]);
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await watched?.page.context().close();
    await demo?.close();
    await controller?.kill();
    demo = undefined;
    controller = undefined;
  });

  async function open(url: string): Promise<Page> {
    watched = await openPage(browser, url.replace(new URL(url).hostname, NAME));
    expect(await watched.page.evaluate(() => isSecureContext)).toBe(false);
    return watched.page;
  }
  /** The simulated Sparks run, and nothing is configured. */
  async function begin(options: DemoOptions = {}): Promise<Page> {
    demo = await startDemo({ hostname: ownHostname(), topology: () => "nodes: []\n", ...options });
    const page = await open(demo.url);
    await heading(page, "Where are your Sparks?").waitFor();
    // What is set has been asked for: until then Enter does nothing.
    await canBePressed(button(page, "Continue"));
    return page;
  }
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
  const field = (page: Page, spark: string, name: string) =>
    page.getByRole("group", { name: new RegExp(`^${spark}`) }).getByLabel(name, { exact: true });
  const machine = (page: Page, name: string) => page.getByRole("region", { name: new RegExp(`^${name} `) });
  const check = (page: Page, spark: string, title: string) =>
    machine(page, spark)
      .getByRole("listitem")
      .filter({ has: page.getByText(title, { exact: true }) });
  const isFocused = (it: Locator) => it.evaluate((element) => element === document.activeElement);

  async function enter(page: Page, index: number): Promise<void> {
    const { name, address, sshPort } = demo!.cluster.nodes[index]!;
    await field(page, name, "Address").fill(address);
    await field(page, name, "User").fill("spark");
    await page
      .getByRole("group", { name: new RegExp(`^${name}`) })
      .getByText("Port, folder, network cards")
      .click();
    await field(page, name, "SSH port").fill(String(sshPort));
  }
  async function toCheck(page: Page, count = 2): Promise<void> {
    await enter(page, 0);
    if (count === 2) {
      await button(page, "Add a second Spark").click();
      await enter(page, 1);
    }
    await button(page, "Continue").click();
    await heading(page, "Let Spark Control in").waitFor();
    await button(page, "I have pasted it: check").click();
    await heading(page, "Is everything there?").waitFor();
  }
  const trust = (page: Page, spark: string) => button(page, `It is the same: trust ${spark}`).click();
  /** What Chromium notes by its own doing: refused answers, and a header that plain HTTP makes void. */
  const OWN = /^(Failed to load resource|The Cross-Origin-Opener-Policy header has been ignored)/;
  function expectQuiet(): void {
    expect(watched.complaints.filter((text) => !OWN.test(text))).toEqual([]);
    expect(watched.foreign).toEqual([]);
  }

  test("goes from nothing to two Sparks that are checked, saved and take a model", async () => {
    const page = await begin();
    await toCheck(page);

    const [first] = demo!.cluster.nodes;
    await check(page, "spark-1", "Identity").getByText(first!.hostKey.fingerprint).waitFor();
    await page.getByText("2 identities to compare.").waitFor();
    await check(page, "spark-1", "All else").getByText("Not checked").waitFor();
    await cannotBePressed(button(page, "Save anyway"));
    expect(demo!.plane.hostKeys.list()).toEqual([]);
    await trust(page, "spark-1");
    await page.getByText("1 identity to compare.").waitFor();
    await trust(page, "spark-2");

    await page.getByRole("status").getByText("All 21 checks passed.").waitFor();
    await check(page, "spark-1", "GPU").getByText("NVIDIA GB10").waitFor();
    await check(page, "spark-2", "Reached from the first Spark").getByText("without a password").waitFor();
    await button(page, "Save").click();

    await heading(page, "Connected").waitFor();
    await hasFocus(heading(page, "Connected"));
    await page.getByText("spark-1 and spark-2 are saved.").waitFor();
    expect(await Bun.file(join(demo!.dataDir, "topology.yaml")).text()).toContain(first!.address);
    await page.getByRole("img", { name: /^Memory of spark-1: / }).waitFor();
    await button(page, "Close").click();
    await page.getByRole("region", { name: "Connect your Sparks" }).waitFor({ state: "detached" });
    await page.reload();
    await page.getByRole("button", { name: "Swap to GPT-OSS 20B" }).waitFor();
    await page.getByRole("region", { name: "Connect your Sparks" }).waitFor({ state: "detached" });
    expectQuiet();
  });

  test("by keyboard alone, one Spark", async () => {
    const page = await begin({ nodes: 1 });
    const [spark] = demo!.cluster.nodes;
    await field(page, "spark-1", "Address").focus();
    await page.keyboard.type(spark!.address);
    await page.keyboard.press("Tab");
    await page.keyboard.type("spark");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await hasFocus(field(page, "spark-1", "SSH port"));
    await page.keyboard.type(String(spark!.sshPort));
    await page.keyboard.press("Enter");

    await heading(page, "Let Spark Control in").waitFor();
    await hasFocus(heading(page, "Let Spark Control in"));
    const press = async (name: string) => {
      await canBePressed(button(page, name));
      for (let tabs = 0; tabs < 40 && !(await isFocused(button(page, name))); tabs += 1)
        await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
    };
    await press("I have pasted it: check");
    await button(page, "It is the same: trust spark-1").waitFor();
    await press("It is the same: trust spark-1");
    await page.getByText("All 10 checks passed.").waitFor();
    await press("Save");

    await heading(page, "Connected").waitFor();
    await page.getByText("spark-1 is saved. Spark Control looks at it from now on.").waitFor();
    expectQuiet();
  });

  test("a malformed or missing value is said beside its field, which gets the focus", async () => {
    const page = await begin();
    await field(page, "spark-1", "User").fill("al ice");
    await button(page, "Continue").click();

    await page.getByText("The address of spark-1 is missing.").waitFor();
    await page.getByText(/^The user of spark-1 may have only letters/).waitFor();
    const address = field(page, "spark-1", "Address");
    await hasFocus(address);
    await isInvalid(address);

    await address.fill("spark-1.local");
    await page.getByText("The address of spark-1 is missing.").waitFor({ state: "detached" });
    await page.getByText("Port, folder, network cards").click();
    await field(page, "spark-1", "SSH port").fill("22x");
    await button(page, "Continue").click();
    await page.getByText("The port must be a whole number.").waitFor();
    expectQuiet();
  });

  test("every failure comes with its fix, which can be copied without a secure context", async () => {
    const page = await begin();
    for (const fault of ["docker_denied", "image_missing", "launch_script_missing"] as const)
      demo!.cluster.inject({ kind: fault, node: "spark-1" });
    demo!.cluster.inject({ kind: "worker_ssh_denied", node: "spark-2" });
    await toCheck(page);
    await trust(page, "spark-1");
    await page.getByText("1 identity to compare").waitFor();
    await trust(page, "spark-2");
    await page.getByText(/^3 checks failed/).waitFor();

    const docker = check(page, "spark-1", "Docker");
    await docker.getByText("Failed", { exact: true }).waitFor();
    await docker.getByText("What spark-1 said").click();
    await docker.getByText(/permission denied/).waitFor();
    await docker.getByRole("button", { name: "Copy: line for spark-1" }).click();
    await page.getByText("Copied.", { exact: true }).waitFor();
    expect(await pasted(page)).toBe("sudo usermod -aG docker spark");
    await check(page, "spark-2", "Reached from the first Spark")
      .getByText(/ssh-copy-id/)
      .waitFor();

    demo!.cluster.clear();
    await button(page, "Check again").click();
    await page.getByText("All 21 checks passed.").waitFor();
    expectQuiet();
  });

  /** What Ctrl V would put into a field. */
  async function pasted(page: Page): Promise<string> {
    const field = await page.evaluateHandle(() => {
      const area = document.createElement("textarea");
      document.body.append(area);
      area.focus();
      return area;
    });
    await page.keyboard.press("Control+V");
    await page.waitForFunction((area) => area.value !== "", field);
    const text = await field.evaluate((area) => area.value);
    await field.evaluate((area) => area.remove());
    return text;
  }

  test("where even that is forbidden, the line is selected and the person told", async () => {
    const page = await begin();
    await page.evaluate(() => {
      document.execCommand = () => false;
    });
    await enter(page, 0);
    await button(page, "Continue").click();
    await page.getByRole("button", { name: "Copy: line that lets Spark Control in" }).click();

    await page.getByText(/press Ctrl C/).waitFor();
    const selected = await page.evaluate(() => getSelection()?.toString().trim());
    expect(selected).toContain(demo!.plane.identity.publicKeyLine);
  });

  test("a login that is refused shows the line again; a Spark that is off says what to look at", async () => {
    const page = await begin();
    demo!.cluster.inject({ kind: "key_refused", node: "spark-1" });
    demo!.cluster.inject({ kind: "ssh_refused", node: "spark-2" });
    await toCheck(page);
    await trust(page, "spark-1");

    await check(page, "spark-1", "Login with the key").getByText(demo!.plane.identity.publicKeyLine).waitFor();
    await check(page, "spark-2", "Answers over SSH").getByText("Is it switched on").waitFor();
    await button(page, "Save anyway").click();
    await heading(page, "Saved").waitFor();
    await page.getByText(/^spark-2 cannot be used yet\. .*refuses SSH connections/).waitFor();
    expect(await heading(page, "Connected").count()).toBe(0);
    expectQuiet();
  });

  test("another identity than last time is no routine confirmation", async () => {
    const page = await begin({ nodes: 1 });
    await toCheck(page, 1);
    await trust(page, "spark-1");
    await page.getByText("All 10 checks passed.").waitFor();
    demo!.cluster.inject({ kind: "host_key_changed" });

    await button(page, "Check again").click();

    await check(page, "spark-1", "Identity").getByText("another identity than last time").waitFor();
    expect(await button(page, "It is the same: trust spark-1").count()).toBe(0);
    await button(page, "I reinstalled it: trust the new identity of spark-1").click();
    await page.getByText("All 10 checks passed.").waitFor();
  });

  test("a reload loses nothing, at any step", async () => {
    const page = await begin();
    await enter(page, 0);
    await page.reload();
    await heading(page, "Where are your Sparks?").waitFor();
    await holds(field(page, "spark-1", "User"), "spark");
    await button(page, "Continue").click();
    await heading(page, "Let Spark Control in").waitFor();
    await page.reload();
    await heading(page, "Let Spark Control in").waitFor();
    await button(page, "I have pasted it: check").click();
    await button(page, "It is the same: trust spark-1").waitFor();

    await page.reload();

    await heading(page, "Is everything there?").waitFor();
    await trust(page, "spark-1");
    await page.getByText("All 10 checks passed.").waitFor();
    expectQuiet();
  });

  for (const width of [360, 768])
    test(`fits into ${width} px, with long names and a long line`, async () => {
      const page = await begin({ nodes: 1 });
      await page.setViewportSize({ width, height: 800 });
      const scroll = () => page.evaluate(() => document.documentElement.scrollWidth);
      expect(await scroll()).toBe(width);
      await toCheck(page, 1);
      await page.getByText("1 identity to compare").waitFor();

      expect(await scroll()).toBe(width);
    });

  test("the simulated cluster is a button away, and so is the way back", async () => {
    const data = makeDataDir();
    controller = await Controller.start({ dataDir: data.dataDir, env: { ...EVERYWHERE, SIM_SPEED: "200" } });
    const page = await open(controller.url);
    await page.getByText("two made-up Sparks that load, fail and recover").waitFor();

    await button(page, "Try it on a simulated cluster").click();

    await page.getByText("This is a simulated cluster.").waitFor();
    await page.getByRole("img", { name: /^Memory of spark-1: / }).waitFor();
    await heading(page, "Where are your Sparks?").waitFor({ state: "detached" });
    await button(page, "Leave the simulated cluster").click();
    await heading(page, "Where are your Sparks?").waitFor();
    await page.getByText("This is a simulated cluster.").waitFor({ state: "hidden" });
    await canBePressed(button(page, "Try it on a simulated cluster"));

    // Who got stuck later on finds it, too.
    await field(page, "spark-1", "Address").fill("192.0.2.1");
    await field(page, "spark-1", "User").fill("alice");
    await button(page, "Continue").click();
    await heading(page, "Let Spark Control in").waitFor();
    await canBePressed(button(page, "Try it on a simulated cluster"));
    await button(page, "I have pasted it: check").click();
    await heading(page, "Is everything there?").waitFor();
    await button(page, "Try it on a simulated cluster").click();
    await page.getByText("This is a simulated cluster.").waitFor();
    data.remove();
  });

  test("configured Sparks can be checked and changed; what the environment says cannot", async () => {
    const data = makeDataDir({
      "topology.yaml": "nodes:\n  - name: spark-2\n    host: 192.0.2.2 # rack\n    user: alice\n",
    });
    const env = { ...EVERYWHERE, SPARK1_HOST: "127.0.0.1", SPARK1_USER: "alice", SPARK1_SSH_PORT: "1" };
    controller = await Controller.start({ dataDir: data.dataDir, env });
    const page = await open(`${controller.url}/settings`);
    await heading(page, "Sparks and vLLM").waitFor();

    expect(await field(page, "spark-1", "Address").getAttribute("readonly")).toBe("");
    await page.getByText("Set by the environment variable SPARK1_HOST").waitFor();
    await cannotBePressed(button(page, "Save"));
    await field(page, "spark-2", "User").fill("bob");
    await field(page, "vLLM", "Port of vLLM").fill("99999");
    await button(page, "Save").click();
    await page.getByText("The port of vLLM must be a whole number from 1 to 65535.").waitFor();
    await field(page, "vLLM", "Port of vLLM").fill("8000");
    await button(page, "Save").click();
    await page.getByText("Saved, and in use.").waitFor();
    const text = await Bun.file(join(data.dataDir, "topology.yaml")).text();
    expect(text).toContain("host: 192.0.2.2 # rack\n    user: bob\n");
    expect(text).toContain("port: 8000");

    await button(page, "Check the Sparks").click();
    await check(page, "spark-1", "Answers over SSH").getByText("Failed", { exact: true }).waitFor();
    await field(page, "spark-2", "User").fill("x");
    await button(page, "Discard changes").click();
    await holds(field(page, "spark-2", "User"), "bob");
    data.remove();
    expectQuiet();
  });
});
