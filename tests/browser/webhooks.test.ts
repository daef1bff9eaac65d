/** Who is told what happens, and whether it arrived, in a real browser, with receivers that really listen. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { officialVerify, type Receiver, startReceiver } from "../lib/webhook/_receiver.ts";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { cannotBePressed, hasFocus, holds } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

inBrowser("webhooks in the dashboard", () => {
  const on = new WatchedDemo();
  let receiver: Receiver;
  afterEach(() => receiver?.[Symbol.dispose]());

  const begin = (demo: DemoOptions = {}) =>
    on.begin({ path: "/automation", demo: { takenForReal: true, webhookRetryDelaysMs: [10, 10], ...demo } });
  const listen = () => {
    receiver = startReceiver();
    return receiver;
  };
  const hooksOf = (page: Page) => page.getByRole("region", { name: "Webhooks" });
  const row = (page: Page, name: string) =>
    hooksOf(page)
      .getByRole("listitem")
      .filter({ has: page.getByRole("button", { name: `Send a test to ${name}` }) });
  const detailsOf = (page: Page, name: string) => hooksOf(page).getByRole("group", { name: `Details of ${name}` });
  const openDetails = (page: Page, name: string) =>
    hooksOf(page)
      .getByRole("button", { name: `Details of ${name}` })
      .click();
  async function add(more: Record<string, unknown> = {}): Promise<string> {
    const answer = await on.demo.post("/api/webhooks", { url: receiver.url, name: "jobs-box", events: ["*"], ...more });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  }
  const stateOf = (id: string) => on.demo.plane.webhooks.get(id).last_delivery?.state;

  test("adds one with the keyboard, and shows what arrived the moment that it did", async () => {
    listen();
    const page = await begin();
    await hooksOf(page).getByText("No webhook.").waitFor();

    await hooksOf(page).getByRole("button", { name: "Add…" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a webhook?" });
    await page.keyboard.type(receiver.url);
    await dialog.getByLabel("Name").fill("jobs-box");
    for (const word of ["A swap is ready", "A swap failed"]) await dialog.getByLabel(word).uncheck();
    await page.keyboard.press("Enter");
    await dialog.getByRole("alert").getByText("Choose at least one thing that it is told of.").waitFor();
    await dialog.getByLabel("A Spark cannot be reached").check();
    await dialog.getByLabel("Name").press("Enter");
    await dialog.waitFor({ state: "hidden" });

    const secret =
      (await hooksOf(page)
        .getByText(/^whsec_/)
        .textContent()) ?? "";
    await hasFocus(hooksOf(page).getByRole("button", { name: "Copy" }));
    await hooksOf(page).getByRole("button", { name: "Done" }).click();
    await row(page, "jobs-box").getByText("A Spark cannot be reached, signed").waitFor();
    await row(page, "jobs-box").getByText("Nothing sent yet").waitFor();
    await hooksOf(page).getByRole("button", { name: "Send a test to jobs-box" }).click();
    await row(page, "jobs-box").getByText("Delivered").waitFor();
    await row(page, "jobs-box")
      .getByText(/^\d\d:\d\d, answered 204$/)
      .waitFor();

    expect(receiver.received).toHaveLength(1);
    expect(officialVerify(secret, receiver.received[0]!)).toMatchObject({ event: "test" });
    expect(on.watched.complaints).toEqual([]);
  });

  test("says what was given up and why, and sends it again", async () => {
    listen().answer = () => new Response("no", { status: 503 });
    const page = await begin();
    const id = await add();
    await on.demo.post(`/api/webhooks/${id}/test`, {});

    await row(page, "jobs-box").getByText("Given up").waitFor();
    await row(page, "jobs-box")
      .getByText(/^\d\d:\d\d, after 3 tries\. The receiver answered 503\.$/)
      .waitFor();
    await openDetails(page, "jobs-box");
    await detailsOf(page, "jobs-box").getByText("Given up").waitFor();
    receiver.answer = () => new Response(null, { status: 200 });
    await row(page, "jobs-box").getByRole("button", { name: "Send it again", exact: true }).click();

    await detailsOf(page, "jobs-box")
      .getByText(/^\d\d:\d\d, answered 200, try 4$/)
      .waitFor();
    await row(page, "jobs-box").getByText("Given up").first().waitFor({ state: "hidden" });
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual(
      Array(4).fill(receiver.received[0]!.headers["webhook-id"]),
    );
    // One that had arrived goes out again too.
    await detailsOf(page, "jobs-box")
      .getByRole("button", { name: /^Send it again: A test, Today / })
      .click();
    await detailsOf(page, "jobs-box")
      .getByText(/answered 200, try 5$/)
      .waitFor();
    expect(receiver.received).toHaveLength(5);
    expect(on.watched.complaints).toEqual([]);
  });

  test("shows what waits for a receiver that does not answer, and a refusal to send it twice", async () => {
    listen().answer = () => new Response(null, { status: 500 });
    const page = await begin({ webhookRetryDelaysMs: [3_600_000] });
    const id = await add();

    await on.demo.post(`/api/webhooks/${id}/test`, {});
    await on.demo.post(`/api/webhooks/${id}/test`, {});

    await row(page, "jobs-box").getByText("1 older message waits for its next try.").waitFor();
    await row(page, "jobs-box")
      .getByText(/^1 try, again .*\d\d:\d\d\. The receiver answered 500\.$/)
      .waitFor();
    await openDetails(page, "jobs-box");
    const again = detailsOf(page, "jobs-box").getByRole("button", { name: /^Send it again: A test/ });
    await again.nth(1).waitFor();
    expect(await again.evaluateAll((all) => all.map((it) => (it as HTMLButtonElement).disabled))).toEqual([true, true]);
  });

  test("shows the latest messages, live, and older ones when asked", async () => {
    listen();
    const page = await begin();
    const id = await add();
    for (let sent = 0; sent < 12; sent++) await on.demo.post(`/api/webhooks/${id}/test`, {});
    await until("all have arrived", () => receiver.received.length === 12 && stateOf(id) === "delivered");

    await openDetails(page, "jobs-box");
    const messages = detailsOf(page, "jobs-box").getByRole("listitem");
    await messages.nth(9).waitFor();
    expect(await messages.count()).toBe(10);
    await on.demo.swap("gpt-oss-20b");
    await detailsOf(page, "jobs-box").getByText("A swap is ready").waitFor();
    expect(await messages.count()).toBe(12);
    await detailsOf(page, "jobs-box").getByRole("button", { name: "Show more" }).click();

    await messages.nth(13).waitFor();
    expect(await messages.count()).toBe(14);
    expect(await detailsOf(page, "jobs-box").getByRole("button", { name: "Show more" }).count()).toBe(0);
    expect(await messages.first().textContent()).toContain("A swap is ready");
    expect(on.watched.complaints).toEqual([]);
  });

  test("what has the focus keeps it while messages come in before it", async () => {
    listen();
    const page = await begin();
    const id = await add();
    await on.demo.post(`/api/webhooks/${id}/test`, {});
    await openDetails(page, "jobs-box");
    const messages = detailsOf(page, "jobs-box").getByRole("listitem");
    await messages.getByText("Delivered").waitFor();
    await messages.getByRole("button").focus();

    await on.demo.post(`/api/webhooks/${id}/test`, {});

    await messages.nth(1).waitFor();
    await hasFocus(messages.nth(1).getByRole("button"));
  });

  test("knows what happened while it was not connected", async () => {
    listen();
    const page = await begin();
    const id = await add();
    await openDetails(page, "jobs-box");
    await detailsOf(page, "jobs-box").getByText("Nothing was sent to it yet.").waitFor();

    await on.demo.goAway();
    await page.getByText("No connection").first().waitFor();
    await on.demo.comeBack();
    // Before the page has noticed: it tries again every second.
    on.demo.plane.webhooks.test(id);

    await detailsOf(page, "jobs-box").getByText("Delivered").waitFor();
    await row(page, "jobs-box")
      .getByText(/answered 204$/)
      .first()
      .waitFor();
  });

  test("makes a new secret, and the old one goes on for as long as was chosen", async () => {
    listen();
    const page = await begin();
    const id = await add({ secret: "hunter2!" });
    await openDetails(page, "jobs-box");

    await detailsOf(page, "jobs-box").getByRole("button", { name: "New secret for jobs-box" }).click();
    const dialog = page.getByRole("dialog", { name: "A new secret for jobs-box?" });
    await dialog.getByLabel("How long does the old one go on?").selectOption("One hour");
    await dialog.getByRole("button", { name: "Make a secret" }).click();
    const secret =
      (await hooksOf(page)
        .getByText(/^whsec_/)
        .textContent()) ?? "";
    await row(page, "jobs-box")
      .getByText(/signed, with the old secret too until /)
      .waitFor();
    await hooksOf(page).getByRole("button", { name: "Send a test to jobs-box" }).click();
    await row(page, "jobs-box")
      .getByText(/answered 204$/)
      .first()
      .waitFor();

    const [message] = receiver.received;
    for (const valid of [secret, "hunter2!"]) expect(officialVerify(valid, message!)).toMatchObject({ event: "test" });
    const ends = Date.parse(on.demo.plane.webhooks.get(id).previous_secret_until ?? "");
    expect(Math.abs(ends - Date.now() - 3_600_000)).toBeLessThan(60_000);
    await page.reload();
    await row(page, "jobs-box").waitFor();
    expect(
      await hooksOf(page)
        .getByText(/^whsec_/)
        .count(),
    ).toBe(0);
  });

  test("changes one, switches it off with what that forbids, and removes it", async () => {
    listen();
    const page = await begin();
    const id = await add();
    await on.demo.post(`/api/webhooks/${id}/test`, {});
    await openDetails(page, "jobs-box");
    await detailsOf(page, "jobs-box").getByText("Delivered").waitFor();

    await detailsOf(page, "jobs-box").getByRole("button", { name: "Change jobs-box" }).click();
    const dialog = page.getByRole("dialog", { name: "Change jobs-box?" });
    await holds(dialog.getByLabel("Address"), receiver.url);
    await dialog.getByLabel("Address").fill("http://169.254.169.254/");
    await dialog.getByLabel("Name").fill("notify-box");
    await dialog.getByLabel("Everything, also what later versions add").uncheck();
    await dialog.getByLabel("A swap failed").check();
    await dialog.getByLabel("Switched on").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").getByText("Nothing is sent to a cloud's metadata address.").waitFor();
    await dialog.getByLabel("Address").fill(`${receiver.url}/new`);
    await dialog.getByRole("button", { name: "Save" }).click();

    await row(page, "notify-box").getByText("switched off", { exact: true }).waitFor();
    expect(on.demo.plane.webhooks.get(id)).toMatchObject({
      name: "notify-box",
      url: `${receiver.url}/new`,
      events: ["swap_failed"],
      enabled: false,
    });
    const again = detailsOf(page, "notify-box").getByRole("button", { name: /^Send it again: / });
    for (const button of [again, hooksOf(page).getByRole("button", { name: "Send a test to notify-box" })]) {
      await cannotBePressed(button);
      const reason = await button.evaluate(
        (it) => document.getElementById(it.getAttribute("aria-describedby") ?? "")?.textContent,
      );
      expect(reason).toMatch(/switched off/);
    }
    await detailsOf(page, "notify-box").getByRole("button", { name: "Remove notify-box" }).click();
    await page.getByRole("dialog", { name: "Remove notify-box?" }).getByRole("button", { name: "Remove it" }).click();
    await hooksOf(page).getByText("No webhook.").waitFor();
    expect(on.demo.plane.webhooks.list()).toEqual([]);
  });

  test("the one from the environment is tested here and changed there, and says so", async () => {
    const { url } = listen();
    const page = await begin({ env: { WEBHOOK_URL: url, WEBHOOK_SECRET: "hunter2!" } });

    await hooksOf(page).getByRole("button", { name: "Send a test to WEBHOOK_URL" }).click();
    await row(page, "WEBHOOK_URL")
      .getByText(/answered 204$/)
      .waitFor();
    await openDetails(page, "WEBHOOK_URL");

    for (const name of ["Change WEBHOOK_URL", "New secret for WEBHOOK_URL", "Remove WEBHOOK_URL"]) {
      const button = detailsOf(page, "WEBHOOK_URL").getByRole("button", { name });
      await cannotBePressed(button);
      const reason = await button.evaluate(
        (it) => document.getElementById(it.getAttribute("aria-describedby") ?? "")?.textContent,
      );
      expect(reason).toContain("It comes from WEBHOOK_URL and WEBHOOK_SECRET");
    }
    expect(await page.content()).not.toContain("hunter2!");
    expect(on.watched.complaints).toEqual([]);
  });

  test("a simulated cluster sends nothing, and says it where one would send again", async () => {
    listen();
    const page = await begin({ takenForReal: false });
    const id = await add();
    await on.demo.post(`/api/webhooks/${id}/test`, {});

    await hooksOf(page).getByText("A simulated cluster sends none; they are only noted.").waitFor();
    await row(page, "jobs-box").getByText("Not sent").waitFor();
    await openDetails(page, "jobs-box");
    await detailsOf(page, "jobs-box").getByText("A simulated cluster sends nothing").waitFor();
    await cannotBePressed(detailsOf(page, "jobs-box").getByRole("button", { name: /^Send it again/ }));
    expect(receiver.received).toEqual([]);
  });
});
