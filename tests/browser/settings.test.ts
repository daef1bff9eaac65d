/** Every value of the configuration on the page of settings: where it comes from, changing it, taking that back. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { GROUPS, grouped } from "../../public/settings/groups.ts";
import { meantBy, textOf } from "../../public/settings/setting-row.ts";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { holds, isInvalid } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";
import { heading } from "./wording.ts";

setDefaultTimeout(60_000);

test("what stands in a field means what was put there; what cannot be a number stays a text for the server to judge", () => {
  for (const [value, kind] of [
    [600, "whole"],
    [4.5, "amount"],
    [true, "yes_no"],
    [false, "yes_no"],
    ["hold", "choice"],
    [["a.example.org", "b.example.org"], "list"],
    [[], "list"],
  ] as const)
    expect(meantBy(textOf(value as never), kind)).toEqual(value as never);
  expect(meantBy(" a \n\n b ", "list")).toEqual(["a", "b"]);
  expect(meantBy("soon", "whole")).toBe("soon");
  expect(meantBy(" ", "whole")).toBeNull();
});

test("no setting is left out, whatever it is called", () => {
  const named = GROUPS.flatMap(({ keys }) => Object.keys(keys));
  const shown = grouped([...named, "a_new_one"]).flatMap(({ keys }) => keys);
  expect(shown.toSorted()).toEqual([...named, "a_new_one"].toSorted());
});

inBrowser("settings in the dashboard", () => {
  const on = new WatchedDemo();
  const begin = (demo: DemoOptions = {}) => on.begin({ path: "/settings", demo });
  const file = (name = "topology.yaml") => readFileSync(join(on.demo.dataDir, name), "utf8");
  const group = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
  async function open(page: Page, name: string) {
    await heading(page, name).click();
    return group(page, name);
  }
  const field = (page: Page, label: string) => page.getByRole("textbox", { name: label, exact: true });
  const choice = (page: Page, label: string) => page.getByRole("combobox", { name: label, exact: true });
  const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
  /** The part of the page with this field, its origin and what became of the last change. */
  const row = (page: Page, label: string) =>
    page.locator("form.setting").filter({ has: page.getByText(label, { exact: true }) });

  test("every setting of the API is there, with its value", async () => {
    const page = await begin();
    await group(page, "Swap").waitFor();
    const view = on.demo.plane.settings.view();
    await page.locator(`#set-cluster-${view.settings[0]?.key}`).waitFor({ state: "attached" });

    for (const { key } of view.settings)
      expect([key, await page.locator(`#set-cluster-${key}`).count()]).toEqual([key, 1]);
    for (const { name, fields } of view.services)
      for (const { key } of fields.filter(({ key }) => key !== "kind"))
        expect([name, key, await page.locator(`[id="set-${name}-${key}"]`).count()]).toEqual([name, key, 1]);
    expect(on.watched.complaints).toEqual([]);
  });

  test("is saved by the keyboard, holds at once, and is taken back", async () => {
    const page = await begin({ topology: (yaml) => `${yaml}settings:\n  drain_seconds: 5 # short\n` });
    const before = file();
    await open(page, "Swap");
    await row(page, "Wait for requests").getByText("From topology.yaml · 0 to 3,600, default 60").waitFor();
    await row(page, "A load is stuck after").getByText("Default · 30 to 7,200").waitFor();

    await field(page, "Wait for requests").fill("30");
    await field(page, "Wait for requests").press("Enter");
    await row(page, "Wait for requests").getByRole("status").getByText("Saved.").waitFor();
    expect(file()).toContain("drain_seconds: 30 # short");
    expect(on.demo.plane.config.current.topology.settings.drain_seconds).toBe(30);
    await row(page, "Wait for requests").getByRole("button", { name: "Undo" }).click();
    await row(page, "Wait for requests").getByRole("status").getByText("Taken back.").waitFor();
    await holds(field(page, "Wait for requests"), "5");
    expect(file()).toBe(before);

    await press(page, "Use the default: Wait for requests");
    await row(page, "Wait for requests").getByText("Default · 0 to 3,600").waitFor();
    await holds(field(page, "Wait for requests"), "60");
    await choice(page, "Requests that still run then").selectOption("Cut them off");
    await press(page, "Save: Requests that still run then");
    await row(page, "Requests that still run then").getByText("Saved.").waitFor();
    expect(on.demo.plane.config.current.topology.settings.drain_on_timeout).toBe("cut_off");
    expect(on.watched.complaints).toEqual([]);
  });

  test("says beside the field what is wrong, and changes nothing", async () => {
    const page = await begin();
    const before = file();
    await open(page, "Swap");
    const stuck = field(page, "A load is stuck after");
    for (const wrong of ["5", "soon"]) {
      await stuck.fill(wrong);
      await press(page, "Save: A load is stuck after");
      await row(page, "A load is stuck after")
        .getByRole("alert")
        .getByText("The value must be a whole number from 30 to 7200.")
        .waitFor();
      await isInvalid(stuck);
      await holds(stuck, wrong);
    }
    expect(file()).toBe(before);
    await press(page, "Discard: A load is stuck after");
    await holds(stuck, "600");
  });

  test("what was changed elsewhere meanwhile is not overwritten unseen", async () => {
    const page = await begin();
    await open(page, "Swap");
    await field(page, "A load is stuck after").fill("900");
    writeFileSync(join(on.demo.dataDir, "topology.yaml"), `${file()}settings:\n  drain_seconds: 7\n`);
    // Coming back to the page reads the settings again: not under what was typed.
    const menu = page.getByRole("navigation", { name: "Main" });
    await menu.getByRole("link", { name: "Models" }).click();
    const readAgain = page.waitForResponse(`${on.demo.url}/api/settings`);
    await menu.getByRole("link", { name: "Settings" }).click();
    await readAgain;

    await press(page, "Save: A load is stuck after");
    await row(page, "A load is stuck after")
      .getByRole("alert")
      .getByText(/changed elsewhere/)
      .waitFor();
    await press(page, "Look again");
    await row(page, "Wait for requests")
      .getByText(/^From topology\.yaml/)
      .waitFor();
    // What somebody else has written is seen, and what was typed is still there.
    await holds(field(page, "Wait for requests"), "7");
    await holds(field(page, "A load is stuck after"), "900");
    await press(page, "Save: A load is stuck after");
    await row(page, "A load is stuck after").getByText("Saved.").waitFor();
    expect(file()).toContain("drain_seconds: 7\n");
    expect(file()).toContain("stall_seconds: 900");
  });

  /** The page has done with an answer what it does with it. */
  const afterTwoFrames = (page: Page) =>
    page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

  test("an answer that comes late does not undo what was saved meanwhile", async () => {
    const page = await begin();
    await open(page, "Swap");
    await row(page, "Wait for requests").getByText("Default · 0 to 3,600").waitFor();
    const late = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    await page.route("**/api/settings", async (route) => {
      if (route.request().method() !== "GET") return route.continue();
      const response = await route.fetch();
      read.resolve();
      await late.promise;
      await route.fulfill({ response });
    });
    const menu = page.getByRole("navigation", { name: "Main" });
    await menu.getByRole("link", { name: "Models" }).click();
    await menu.getByRole("link", { name: "Settings" }).click();
    await read.promise;
    await field(page, "Wait for requests").fill("30");
    await press(page, "Save: Wait for requests");
    await row(page, "Wait for requests").getByText("Saved.").waitFor();

    const answered = page.waitForResponse(
      (answer) => answer.request().method() === "GET" && answer.url().endsWith("/api/settings"),
    );
    late.resolve();
    await (await answered).finished();
    await afterTwoFrames(page);

    // Of the version that was read before, the server would refuse it.
    await field(page, "A load is stuck after").fill("900");
    await press(page, "Save: A load is stuck after");
    await row(page, "A load is stuck after").getByText("Saved.").waitFor();
    await holds(field(page, "Wait for requests"), "30");
  });

  test("whoever writes on in another field while a value is saved is not taken away from it", async () => {
    const page = await begin();
    await open(page, "Swap");
    const late = Promise.withResolvers<void>();
    await page.route("**/api/settings", async (route) => {
      if (route.request().method() === "PATCH") await late.promise;
      await route.continue();
    });
    await field(page, "Wait for requests").fill("30");
    await field(page, "Wait for requests").press("Enter");
    const other = field(page, "A load is stuck after");
    await other.fill("9");

    late.resolve();

    await row(page, "Wait for requests").getByText("Saved.").waitFor();
    await afterTwoFrames(page);
    await page.keyboard.type("00");
    await holds(other, "900");
  });

  test("lists: what the environment adds stays apart; a refused name is allowed by a button, and that is taken back", async () => {
    const page = await begin({ env: { ALLOWED_HOSTS: "control.example.org" } });
    const asked = () => fetch(`${on.demo.url}/health`, { headers: { host: "spark.example.com" } });
    expect((await asked()).status).not.toBe(200);
    await page.reload();
    await open(page, "Access");
    await row(page, "Allowed names").getByText("ALLOWED_HOSTS adds: control.example.org").waitFor();

    await press(page, "Allow spark.example.com");
    const addresses = group(page, "Addresses");
    await addresses.getByText("Saved. spark.example.com is allowed now.").waitFor();
    await addresses.getByText("allowed now", { exact: true }).waitFor();
    expect((await asked()).status).toBe(200);
    await holds(field(page, "Allowed names"), "spark.example.com");
    await addresses.getByRole("button", { name: "Undo" }).click();
    await addresses.getByText("spark.example.com is refused again.").waitFor();
    expect((await asked()).status).not.toBe(200);
    expect(on.watched.complaints).toEqual([]);
  });

  test("a service is moved and hidden; what the environment decides cannot be changed here", async () => {
    const page = await begin({ env: { KOKORO_HOST: "10.77.0.12" } });
    const services = await open(page, "Services");
    await services.getByText("kokoro", { exact: true }).click();
    const kokoro = services.getByRole("group", { name: "kokoro", exact: true });

    expect(await kokoro.getByLabel("Host", { exact: true }).getAttribute("readonly")).toBe("");
    await kokoro.getByText("Set by the environment variable KOKORO_HOST. Change it there.").waitFor();
    await kokoro.getByLabel("Port", { exact: true }).fill("8881");
    await kokoro.getByRole("button", { name: "Save: Port of kokoro" }).click();
    await kokoro.getByText("Saved.").waitFor();
    await kokoro.getByLabel("Hidden", { exact: true }).selectOption("Yes");
    await kokoro.getByRole("button", { name: "Save: Hidden of kokoro" }).click();
    await kokoro.getByText("hidden", { exact: true }).waitFor();

    const service = on.demo.plane.config.current.topology.services.find(({ name }) => name === "kokoro");
    expect(service).toMatchObject({ port: 8881, disabled: true, host: "10.77.0.12" });
    expect(on.watched.complaints).toEqual([]);
  });

  test("a service is added and removed; a slot's name and a missing port are refused in words, and nothing is written", async () => {
    const page = await begin();
    const services = await open(page, "Services");
    const before = file("services-overrides.yaml");
    await services.getByRole("button", { name: "Add a service…" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a service" });
    const type = (label: string, text: string) =>
      dialog.getByRole("textbox", { name: new RegExp(`^${label}`) }).fill(text);
    const add = dialog.getByRole("button", { name: "Add service" });

    await add.click();
    await dialog.getByText("“Name” is still empty.").waitFor();
    await type("Name", "main");
    await type("Port", "9001");
    await add.click();
    await dialog.getByText('A slot is named "main", too.').waitFor();
    await type("Name", "wiki");
    await type("Port", "");
    await add.click();
    await dialog.getByText("The service has no port.").waitFor();
    await type("Port", "soon");
    await add.click();
    await dialog.getByText(/^port: The value/).waitFor();
    expect(file("services-overrides.yaml")).toBe(before);

    await type("Port", "3000");
    await dialog.getByRole("combobox", { name: "Where" }).selectOption("spark-1");
    await add.click();
    await dialog.waitFor({ state: "hidden" });
    await services.getByText("wiki", { exact: true }).click();
    const wiki = services.getByRole("group", { name: "wiki", exact: true });
    const found = () => on.demo.plane.config.current.topology.services.find(({ name }) => name === "wiki");
    expect(found()).toMatchObject({ kind: "http", node: "spark-1", port: 3000, container: "wiki" });

    await wiki.getByRole("button", { name: "Remove wiki…" }).click();
    await page.getByRole("dialog", { name: "Remove wiki?" }).getByRole("button", { name: "Remove wiki" }).click();
    await wiki.waitFor({ state: "detached" });
    expect(found()).toBeUndefined();
    expect(file("services-overrides.yaml")).not.toContain("wiki");
    // Those that were refused, and no others.
    expect(on.watched.complaints.filter((complaint) => !complaint.includes("422"))).toEqual([]);
  });

  test("a slot is added beside main, changed and removed; one without a Spark is refused in words", async () => {
    const page = await begin();
    const slots = await open(page, "Slots");
    await slots.getByRole("button", { name: "Add a slot…" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a slot" });
    const found = () => on.demo.plane.config.current.topology.slots.find(({ name }) => name === "second");
    await dialog.getByRole("textbox", { name: /^Name/ }).fill("second");
    await dialog.getByRole("textbox", { name: /^Port/ }).fill("8889");
    const before = file();
    await dialog.getByRole("button", { name: "Add slot" }).click();
    await dialog.getByText("Choose at least one Spark for it.").waitFor();
    expect(file()).toBe(before);

    await dialog.getByRole("checkbox", { name: "spark-2" }).check();
    await dialog.getByRole("button", { name: "Add slot" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(found()).toMatchObject({ nodes: ["spark-2"], port: 8889 });
    await slots.getByText("second", { exact: true }).click();
    const second = slots.getByRole("group", { name: "second", exact: true });
    await second.getByLabel("Container", { exact: true }).fill("vllm_second");
    await second.getByRole("button", { name: "Save: Container of second" }).click();
    await second.getByText("Saved.").waitFor();
    expect(found()).toMatchObject({ container: "vllm_second" });

    await second.getByRole("button", { name: "Undo" }).click();
    await second.getByText("Taken back.").waitFor();
    expect(found()?.container).not.toBe("vllm_second");
    await second.getByRole("button", { name: "Remove second…" }).click();
    await page.getByRole("dialog", { name: "Remove second?" }).getByRole("button", { name: "Remove second" }).click();
    await second.waitFor({ state: "detached" });
    expect(found()).toBeUndefined();
    expect(on.watched.complaints.filter((complaint) => !complaint.includes("422"))).toEqual([]);
  });

  test("a connection that breaks in the middle of the question is no reason for an empty page", async () => {
    const page = await begin();
    let asked = 0;
    await page.route("**/api/settings", (route) => (++asked === 1 ? route.abort("connectionreset") : route.continue()));

    await page.reload();
    await until("it is asked again", () => asked > 1);
    await heading(page, "Swap").waitFor();

    expect(await page.getByText("cannot be reached").count()).toBe(0);
  });

  test("the environment is listed, and never a secret", async () => {
    const page = await begin({ env: { WEBHOOK_SECRET: "not-to-be-seen", ALLOWED_HOSTS: "control.example.org" } });
    const list = await open(page, "Environment");
    const value = (name: string) =>
      list.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd");

    expect(await value("WEBHOOK_SECRET").textContent()).toBe("set");
    expect(await value("WEBHOOK_URL").textContent()).toBe("not set");
    expect(await value("ALLOWED_HOSTS").textContent()).toBe("control.example.org");
    expect(await page.content()).not.toContain("not-to-be-seen");
  });

  test("diagnostics are saved by the keyboard; without an answer it says what to do, and a later one mends it", async () => {
    const page = await begin();
    const about = group(page, "About");
    const link = about.getByRole("link", { name: "Download diagnostics" });
    await about.getByText(/^No secrets and no prompts/).waitFor();
    expect([await link.getAttribute("href"), await link.getAttribute("download")]).toEqual([
      "/api/diagnostics",
      "spark-control-diagnostics.txt",
    ]);

    await page.route("**/api/diagnostics", (route) => route.abort("connectionrefused"));
    await link.focus();
    await page.keyboard.press("Enter");
    await about
      .getByRole("alert")
      .getByText(/^Spark Control cannot be reached\. Try again once .* Live/)
      .waitFor();
    await page.unroute("**/api/diagnostics");
    await page.route("**/api/diagnostics", (route) =>
      route.fulfill({ status: 503, json: { detail: "It is being stopped." } }),
    );
    await page.keyboard.press("Enter");
    await about
      .getByRole("alert")
      .getByText(/^It is being stopped\. Try again/)
      .waitFor();

    await page.unroute("**/api/diagnostics");
    const saving = page.waitForEvent("download");
    await page.keyboard.press("Enter");
    const saved = await saving;
    await about.getByRole("status").getByText("spark-control-diagnostics.txt was handed to the browser.").waitFor();
    expect(await about.getByRole("alert").count()).toBe(0);
    expect(saved.suggestedFilename()).toBe("spark-control-diagnostics.txt");
    expect(JSON.parse(readFileSync(await saved.path(), "utf8"))).toMatchObject({
      health: { simulated: true },
      swaps: [],
    });
  });

  test("what was taken of the earlier version's data, what was not, and why, is told with what needs a person first", async () => {
    const settings = {
      ALLOWED_HOSTS: "a.example",
      VLLM_IMAGE: "",
      VLLM_PORT: "eight",
      STALL_SECONDS: "-",
      WEBHOOK_URL: "http://10.77.0.30/hook",
      WEBHOOK_SECRET: "not-to-be-seen",
    };
    const page = await begin({ files: { "app_settings.json": JSON.stringify(settings) } });
    const report = page.getByRole("region", { name: "From the earlier version" });
    const rows = report.getByRole("listitem");
    const toldOf = (name: string) => rows.filter({ has: page.getByText(name, { exact: true }) }).textContent();
    await report.getByText("2 things could not be taken over").waitFor();

    expect(await toldOf("VLLM_PORT")).toMatch(/app_settings\.json\s*Not taken over\s*The value must be a whole number/);
    expect(await toldOf("STALL_SECONDS")).toMatch(/Not taken over\s*There is no such setting any more\./);
    expect(await toldOf("VLLM_IMAGE")).toMatch(/Something newer stays\s*It was blank; the default holds\./);
    expect(await toldOf("ALLOWED_HOSTS")).toMatch(/Taken over\s*It is in topology\.yaml now\./);
    expect(await toldOf("WEBHOOK_URL")).toMatch(/Taken over/);
    const outcomes = await rows.getByText(/^(Not taken over|Something newer stays|Taken over)$/).allTextContents();
    expect([...new Set(outcomes)]).toEqual(["Not taken over", "Something newer stays", "Taken over"]);
    expect(outcomes).toHaveLength(on.demo.plane.upgrade.report()!.items.length);
    await report.getByText("The files as they were are in before-upgrade of the data folder.").waitFor();
    expect(await page.content()).not.toContain("not-to-be-seen");
    expect(on.watched.complaints).toEqual([]);
  });

  test("a new folder has nothing of the earlier version to tell", async () => {
    const page = await begin();
    await open(page, "Environment");

    expect(await page.getByRole("region", { name: "From the earlier version" }).count()).toBe(0);
  });
});
