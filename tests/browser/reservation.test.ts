/** Reserving, swapping in spite of it, taking it away; what others plan. In a real browser. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { canBePressed, cannotBePressed, hasFocus } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

/** Of a page that is told; the figure is printed. */
const SLOWEST_MS = 1_000;

inBrowser("reservations in the dashboard", () => {
  const on = new WatchedDemo();

  const begin = (path = "/") => on.begin({ path, model: "gpt-oss-20b" });
  const swapButton = (page: Page) => page.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" });
  const reserveElsewhere = (note = "Quarterly scoring") =>
    on.demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 3_600, note });

  test("a reservation of another is told on every page, and swap buttons say who has it", async () => {
    const page = await begin();

    await reserveElsewhere();

    const banner = page.getByRole("region", { name: /^Reserved by lead-scoring until / });
    await banner.getByText("“Quarterly scoring”").waitFor();
    await banner.getByText(/^(59|60) min$|^1 h$/).waitFor();
    await page.getByRole("region", { name: "Models" }).getByText("reserved by lead-scoring.").waitFor();
    await cannotBePressed(swapButton(page));
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Machines" }).click();
    await banner.waitFor();
    expect(on.watched.complaints).toEqual([]);
  });

  test("how many wait in line for it is told as it changes, also before anybody takes it away", async () => {
    const page = await begin();
    await reserveElsewhere();
    const banner = page.getByRole("region", { name: /^Reserved by lead-scoring until / });
    await banner.waitFor();
    expect(await page.getByText("waiting for the GPUs").count()).toBe(0);
    const leave = new AbortController();
    const wait = (holder: string) =>
      fetch(`${on.demo.url}/api/swap/lock?wait=120`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ holder }),
        signal: leave.signal,
      }).catch(() => null);

    const all = [wait("archive")];
    await banner.getByText("1 other is waiting for the GPUs.").waitFor();
    all.push(wait("crm"));
    await banner.getByText("2 others are waiting for the GPUs.").waitFor();
    await page
      .getByRole("region", { name: "Reservation", exact: true })
      .getByText("2 others are waiting for the GPUs.")
      .waitFor();
    await page.reload();
    await banner.getByText("2 others are waiting for the GPUs.").waitFor();
    await page.getByRole("button", { name: "Release anyway…" }).click();
    const dialog = page.getByRole("dialog", { name: "Release the GPUs from lead-scoring?" });
    await dialog.getByText("2 others are waiting for the GPUs.").waitFor();
    await dialog.getByRole("button", { name: "Leave it reserved" }).click();
    leave.abort();
    await Promise.all(all);
    await banner.getByText("waiting for the GPUs").waitFor({ state: "detached" });
  });

  test("takes it away only after asking why, and then anyone may swap", async () => {
    const page = await begin();
    await reserveElsewhere();

    await page.getByRole("button", { name: "Release anyway…" }).click();
    const dialog = page.getByRole("dialog", { name: "Release the GPUs from lead-scoring?" });
    await dialog.getByText("its work fails part-way").waitFor();
    await hasFocus(dialog.getByRole("button", { name: "Leave it reserved" }));
    await dialog.getByRole("button", { name: "Release the GPUs" }).click();
    await dialog.getByRole("alert").getByText("“Why?” is still empty.").waitFor();
    await hasFocus(dialog.getByLabel("Why?"));
    expect(on.demo.plane.lock.current()?.holder).toBe("lead-scoring");
    await dialog.getByLabel("Why?").fill("a demo");
    await dialog.getByRole("button", { name: "Release the GPUs" }).click();

    await dialog.waitFor({ state: "hidden" });
    await page.getByText("Nobody has reserved the GPUs.").waitFor();
    expect(on.demo.plane.lock.current()).toBeNull();
    await canBePressed(swapButton(page));
  });

  test("somebody who waits in line comes a minute after it was taken away, and the page says so then", async () => {
    const page = await begin();
    await reserveElsewhere();
    const waiting = on.demo.post("/api/swap/lock?wait=120", { holder: "archive", ttl_seconds: 3_600 });
    await until("it waits in line", () => on.demo.plane.lock.waiting === 1);

    await page.getByRole("button", { name: "Release anyway…" }).click();
    const dialog = page.getByRole("dialog", { name: "Release the GPUs from lead-scoring?" });
    await dialog.getByText("programs that wait in line come after that").waitFor();
    await dialog.getByLabel("Why?").fill("a demo");
    await dialog.getByRole("button", { name: "Release the GPUs" }).click();
    await page.getByText("Nobody has reserved the GPUs.").waitFor();
    await canBePressed(swapButton(page));
    await page.getByRole("button", { name: "Reserve…" }).click();
    const own = page.getByRole("dialog", { name: "Keep GPT-OSS 20B in place?" });
    await page.keyboard.type("Alice");
    await own.getByRole("button", { name: "Reserve", exact: true }).click();
    await page.getByRole("region", { name: /^Reserved by you, as Alice, until / }).waitFor();

    await page.getByRole("button", { name: "Release", exact: true }).first().click();
    await page.getByRole("region", { name: /^Reserved by archive until / }).waitFor();
    expect((await waiting).status).toBe(200);
    await cannotBePressed(swapButton(page));
  });

  test("what is left is told by the server's time, whatever the clock of the browser says", async () => {
    const page = await begin();
    await page.clock.install({ time: Date.now() + 30 * 60_000 });
    await page.reload();
    await on.demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 1_200 });
    await page
      .getByRole("region", { name: /^Reserved by lead-scoring until / })
      .getByText(/^(19|20) min$/)
      .waitFor();
  });

  test("the tab that reserved can swap and give back; another tab cannot", async () => {
    const page = await begin();
    const other = await page.context().newPage();
    await other.goto(on.demo.url);

    await page.getByRole("button", { name: "Reserve…" }).click();
    const dialog = page.getByRole("dialog", { name: "Keep GPT-OSS 20B in place?" });
    await page.keyboard.type("Alice");
    await dialog.getByText("30 min").click();
    await dialog.getByLabel("What for?").fill("a test");
    await dialog.getByRole("button", { name: "Reserve", exact: true }).click();

    await page.getByRole("region", { name: /^Reserved by you, as Alice, until / }).waitFor();
    expect(on.demo.plane.lock.current()).toMatchObject({ holder: "Alice", note: "a test" });
    await other.getByRole("region", { name: /^Reserved by Alice until / }).waitFor();
    await cannotBePressed(swapButton(other));
    await page.reload();
    await page.getByRole("region", { name: /^Reserved by you, as Alice, until / }).waitFor();
    await swapButton(page).click();
    const plan = page.getByRole("dialog", { name: "Swap to Qwen3 30B A3B Instruct?" });
    await plan.getByText("It fits, with").waitFor();
    await plan.getByRole("button", { name: "Swap to Qwen3 30B A3B Instruct" }).click();
    await page.getByRole("heading", { name: "Qwen3 30B A3B Instruct is answering" }).waitFor();
    await page.getByRole("button", { name: "Release", exact: true }).first().click();
    await other.getByText("Nobody has reserved the GPUs.").waitFor();
    expect(on.demo.plane.lock.current()).toBeNull();
    expect(on.watched.complaints).toEqual([]);
  });

  test("shows what others plan and where it clashes, and removes an entry", async () => {
    const page = await begin("/automation");
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

    await on.demo.post("/api/schedule", {
      owner: "crm",
      title: "Call notes",
      at: at(30),
      duration_seconds: 3_600,
      model: "gpt-oss-20b",
    });
    await on.demo.post("/api/schedule", {
      owner: "archive",
      title: "Archive",
      at: at(60),
      duration_seconds: 3_600,
      model: "llama-3.3-70b",
    });

    const planned = page.getByRole("region", { name: "Planned by others" });
    await planned.getByText("Archive", { exact: true }).waitFor();
    await planned.getByText(/“Call notes” of crm and “Archive” of archive/).waitFor();
    await page.getByRole("region", { name: "Reservation" }).getByText("Call notes").waitFor();
    await planned.getByRole("button", { name: "Remove Archive" }).click();
    await page.getByRole("dialog", { name: "Remove “Archive”?" }).getByRole("button", { name: "Remove it" }).click();
    await planned.getByText("Archive", { exact: true }).waitFor({ state: "hidden" });
    expect(on.demo.plane.schedules.list().entries.map(({ title }) => title)).toEqual(["Call notes"]);
  });

  test("a reservation by a program pauses the page within a second, and says why at the same moment", async () => {
    const page = await begin();
    await page.evaluate(() => {
      const button = [...document.querySelectorAll("button")].find((it) =>
        it.ariaLabel?.startsWith("Swap to Qwen3 30B"),
      );
      // Each panel renders in a turn of its own: the banner and the buttons may be a moment apart.
      new MutationObserver((_, observer) => {
        if (!document.querySelector("[data-kind=held]:not(.bone)") || !button?.disabled) return;
        observer.disconnect();
        const why = document.getElementById(button.getAttribute("aria-describedby") ?? "")?.textContent;
        Object.assign(window, { paused: { at: performance.timeOrigin + performance.now(), why } });
      }).observe(document.body, { childList: true, subtree: true, attributes: true });
    });

    await reserveElsewhere();
    const granted = Date.now();

    await page.waitForFunction(() => Reflect.has(window, "paused"));
    const paused = await page.evaluate(() => Reflect.get(window, "paused") as { at: number; why: string });
    console.log(`paused ${Math.round(paused.at - granted)} ms after the answer to the reservation`);
    expect(paused.why).toMatch(/^Paused until (\d+ [A-Z][a-z]+, )?\d\d:\d\d, reserved by lead-scoring\.$/);
    // A second where the machine has nothing else to do.
    expect(paused.at - granted).toBeLessThan(SLOWEST_MS);
  });

  test("the countdown ends, and the buttons are back without a reload", async () => {
    const page = await begin();
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));

    await on.demo.post("/api/swap/lock", { holder: "lead-scoring", ttl_seconds: 8 });

    const banner = page.getByRole("region", { name: /^Reserved by lead-scoring until / });
    const left = banner.getByText(/^\d+ s$/);
    const first = Number.parseInt((await left.textContent()) ?? "", 10);
    await cannotBePressed(swapButton(page));
    await page.waitForFunction(
      (before) => Number.parseInt(document.querySelector(".held-left b")?.textContent ?? "", 10) < before,
      first,
    );
    await banner.waitFor({ state: "detached" });
    await page.getByText("Nobody has reserved the GPUs.").waitFor();
    await canBePressed(swapButton(page));
    expect(await page.evaluate(() => Reflect.get(window, "sameDocument"))).toBe(true);
    expect(on.demo.plane.lock.current()).toBeNull();
    expect(on.watched.complaints).toEqual([]);
  });
});
