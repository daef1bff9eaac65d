/** The log of a swap as it is looked at: long, fast, paused, searched, copied, kept. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Locator, Page } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser, launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";
import { heapOf, traceMainThread } from "./trace.ts";
import { holds } from "./waits.ts";

setDefaultTimeout(120_000);

/** A load then takes minutes: longer than any of these tests. */
const SLOW = 1;
const KEPT_LINES = 10_000;
const LINES_A_SECOND = 1_000;
const LINES = 200_000;
const LONG_TASK_MS = 100;
/** So long the last of them come at full speed: all of them, unless `LOG_SECONDS` lets the first come at once. */
const FAST_SECONDS = Number(process.env.LOG_SECONDS ?? LINES / LINES_A_SECOND);
/** The page then has all lines that it keeps, and lets go of older ones. */
const FULL_AFTER_LINES = 12_000;
const FAST_LIMIT_MS = (FAST_SECONDS + 100) * 1000;

inBrowser("the log of a swap", () => {
  let browser: Browser;
  let demo: Demo;
  let watched: WatchedPage;
  let page: Page;
  let log: Locator;
  let write: (text: string, source?: string) => void;
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    expect(watched.complaints).toEqual([]);
    await page.context().close();
    await demo.close();
  });

  /**
   * A page that shows the log of a swap in mid-load.
   * @param isQuiet the launch has said what it says at first, and nothing more for a quarter of a minute
   */
  async function begin(lines = 0, isQuiet = false): Promise<void> {
    demo = await startDemo({ speed: SLOW, hostname: ownHostname() });
    const { job_id } = (await (await demo.post("/api/swap", { model: "gpt-oss-120b" })).json()) as { job_id: string };
    write = (text, source = "launch") => demo.plane.swapLog.append(job_id, source, text);
    const said = () =>
      demo.plane.swapLog.read(job_id, 0, 100).some(({ line }) => line.startsWith("Running on the head"));
    if (isQuiet) await until("the launch is quiet", said);
    for (let number = 1; number <= lines; number++) write(`line ${number}`);
    watched = await openPage(browser, demo.url);
    page = watched.page;
    log = page.getByRole("log", { name: "Log of the swap" });
    await log.waitFor();
  }
  /** Keys scroll smoothly: waits until that has ended. */
  const atRest = () =>
    until("the log is at rest", async () => {
      const { top } = await scrolledTo();
      for (let frame = 0; frame < 5; frame++) await page.evaluate(() => new Promise(requestAnimationFrame));
      return (await scrolledTo()).top === top;
    });
  const isAtEnd = () => until("its end is in view", async () => (await scrolledTo()).fromEnd === 0);
  const scrolledTo = () =>
    log.evaluate((it) => ({ top: it.scrollTop, fromEnd: it.scrollHeight - it.scrollTop - it.clientHeight }));

  test(
    "200,000 lines, a thousand a second: no task over 100 ms, few elements, a bounded heap",
    async () => {
      await begin();
      write("the beginning");
      await log.getByText("the beginning").waitFor();
      const before = await heapOf(page);

      const text = "(EngineCore pid=371) INFO loader.py:447 Loading weights, with the length of a usual line: ";
      let written = 0;
      const writeUntil = async (last: number, isFast: boolean) => {
        const [begun, first] = [performance.now(), written];
        while (written < last) {
          const due = isFast ? first + Math.floor(((performance.now() - begun) * LINES_A_SECOND) / 1000) : last;
          while (written < Math.min(last, due)) write(text + ++written);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await log.getByText(text + last, { exact: true }).waitFor();
      };
      await writeUntil(LINES - FAST_SECONDS * LINES_A_SECOND || 1, false);
      const filling = await traceMainThread(browser, page, () =>
        writeUntil(Math.min(LINES - 1, written + FULL_AFTER_LINES), true),
      );
      // All lines that the page keeps are there: from now on it may not grow.
      const early = await heapOf(page);
      const full = await traceMainThread(browser, page, () => writeUntil(LINES, true));
      const after = await heapOf(page);
      const longestMs = Math.max(filling.longestMs, full.longestMs);
      const wallMs = Math.max(...filling.longestWallMs, ...full.longestWallMs);
      const calmMs = Math.min(...full.longestWallMs);
      const busy = (filling.busyMs + full.busyMs) / FAST_SECONDS / 10;

      console.log(
        `log: ${LINES} lines, ${FAST_SECONDS} s at ${LINES_A_SECOND}/s: longest task ${longestMs.toFixed(1)} ms (${wallMs.toFixed(1)} with what other processes took, ${calmMs.toFixed(1)} in the calmest part) of ${filling.tasks + full.tasks}, ` +
          `main thread busy ${busy.toFixed(1)} %, heap ${before.mb.toFixed(1)} → ${early.mb.toFixed(1)} → ${after.mb.toFixed(1)} MB, nodes ${before.nodes} → ${after.nodes}`,
      );
      expect(longestMs).toBeLessThan(LONG_TASK_MS);
      // A task that waits uses no processor. Other work on the machine makes one as long now and then, the page itself
      // would in every part of the minutes that come at full speed.
      expect(calmMs).toBeLessThan(LONG_TASK_MS);
      expect(after.mb).toBeLessThan(before.mb + 10);
      expect(after.mb).toBeLessThan(early.mb + 3);
      expect(await log.getByRole("paragraph").count()).toBeLessThan(100);
      await page.getByText(/^10,000 lines, 19\d,\d{3} lines skipped$/).waitFor();
    },
    FAST_LIMIT_MS,
  );

  test("scrolling up pauses and holds the place; one button leads back to the end", async () => {
    await begin(500, true);
    await log.getByText("line 500", { exact: true }).waitFor();
    await isAtEnd();

    await log.focus();
    await page.keyboard.press("PageUp");
    await page.getByRole("button", { name: "To the end" }).waitFor();
    await page.getByRole("button", { name: "Follow" }).waitFor();
    await atRest();
    const held = (await scrolledTo()).top;
    const shown = await log.getByRole("paragraph").nth(15).textContent();
    for (let number = 1; number <= 30; number++) write(`said while paused ${number}`);

    await page.getByRole("button", { name: "30 new lines" }).waitFor();
    await page.getByText("30 lines waiting").waitFor();
    expect((await scrolledTo()).top).toBe(held);
    expect(await log.getByRole("paragraph").nth(15).textContent()).toBe(shown);
    expect(await log.getByText("said while paused 30").count()).toBe(0);

    await page.getByRole("button", { name: "30 new lines" }).click();
    await log.getByText("said while paused 30").waitFor();
    await isAtEnd();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    write("followed again");
    await log.getByText("followed again").waitFor();
  });

  test("the keys reach the end too, and that follows again", async () => {
    await begin(300);
    await log.getByText("line 300", { exact: true }).waitFor();
    await log.focus();

    await page.keyboard.press("Home");
    await log.getByText("line 1", { exact: true }).waitFor();
    await page.keyboard.press("End");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    write("the newest");

    await log.getByText("the newest").waitFor();
  });

  test("after a long pause the newest lines are shown, and how many were skipped", async () => {
    await begin(100);
    await log.getByText("line 100", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    for (let number = 1; number <= KEPT_LINES + 5_000; number++) write(`later ${number}`);
    await page.getByText(/15,0\d\d lines waiting$/).waitFor();

    await page.getByRole("button", { name: "Follow" }).click();

    await log.getByText("later 15000", { exact: true }).waitFor();
    await page.getByText(/^10,000 lines, 5,\d{3} lines skipped$/).waitFor();
  });

  test("searching counts the lines that match, goes through them, and marks them", async () => {
    await begin();
    for (let number = 1; number <= 4_000; number++)
      write(`step ${number}${number % 1_000 === 0 ? " <b>Milestone</b>" : ""}`);
    await log.getByText("step 4000").waitFor();
    const field = page.getByRole("searchbox", { name: "Search the log" });
    const status = page.getByRole("status").filter({ hasText: "match" });

    await field.fill("MILE");
    await page.getByText("4 of 4", { exact: true }).waitFor();
    await log.locator("mark").getByText("Mile", { exact: true }).waitFor();
    expect(await log.locator("mark").count()).toBe(1);
    await field.press("Shift+Enter");
    await status.getByText("3 of 4 lines that match.").waitFor({ state: "attached" });
    const current = log.locator('[aria-current="true"]');
    await current.filter({ hasText: /step 3000 <b>Milestone<\/b>$/ }).waitFor();
    await page.getByRole("button", { name: "Previous match" }).click();
    await page.getByRole("button", { name: "Previous match" }).click();
    await page.getByText("1 of 4", { exact: true }).waitFor();
    await current.filter({ hasText: "step 1000 <b>" }).waitFor();
    await page.getByRole("button", { name: "Previous match" }).click();
    await page.getByText("4 of 4", { exact: true }).waitFor();
    expect(await log.locator("b").count()).toBe(0);

    await field.fill("no such thing");
    await page.getByRole("status").getByText("No line matches.").waitFor({ state: "attached" });
    await page.getByText("0 of 0", { exact: true }).waitFor();
    await field.press("Escape");
    await holds(field, "");
    await page.getByText("0 of 0", { exact: true }).waitFor({ state: "hidden" });
  });

  test("lines that break over several rows are in place, whatever the width", async () => {
    await begin();
    for (let number = 1; number <= 300; number++)
      write(`${number}: ${"wide text, 漢字 and 🚀, ".repeat(number % 40)}end`);
    await log.getByText("300: ", { exact: false }).last().waitFor();

    for (const width of [1280, 420]) {
      await page.setViewportSize({ width, height: 900 });
      await log.evaluate((it) => {
        it.scrollTop = 0;
      });
      await log.getByText(/^2: wide text/).waitFor();
      // Scrolls through it all by the page: each line must come, once, in order, without a hole between two.
      const seen = new Set<number>();
      for (let turn = 0; turn < 400 && !seen.has(300); turn++) {
        const { lines, isGapless } = await log.evaluate((it) => {
          const all = [...it.querySelectorAll<HTMLElement>("[data-seq]")];
          const boxes = all.map((each) => each.getBoundingClientRect());
          const texts = all.map((each) => each.querySelector("code")?.textContent ?? "");
          const lines = texts.map((text) => Number(/^(\d+): /.exec(text)?.[1] ?? 0)).filter((number) => number > 0);
          const gapless = boxes.every((box, at) => at === 0 || Math.abs(box.top - boxes[at - 1]!.bottom) < 0.6);
          const view = it.getBoundingClientRect();
          const covers = (boxes[0]?.top ?? 0) <= view.top + 12 && (boxes.at(-1)?.bottom ?? 0) >= view.bottom - 14;
          it.scrollTop += it.clientHeight - 30;
          return { lines, isGapless: gapless && covers };
        });
        expect(isGapless).toBe(true);
        for (const line of lines) seen.add(line);
        await page.evaluate(() => new Promise(requestAnimationFrame));
      }
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    }
  });

  test("the whole log can be kept as a file, however much of it is shown", async () => {
    await begin(12_000);
    await log.getByText("line 12000", { exact: true }).waitFor();

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download the log" }).click(),
    ]);

    expect(download.suggestedFilename()).toMatch(/^gpt-oss-120b-.*\.log$/);
    const text = await Bun.file(await download.path()).text();
    expect(text.match(/\tlaunch\tline \d+\n/g)).toHaveLength(12_000);
  });

  test("copying works on plain HTTP, where the page has no clipboard", async () => {
    await begin(50);
    await log.getByText("line 50", { exact: true }).waitFor();
    expect(
      await page.evaluate(() => [isSecureContext, "clipboard" in navigator && navigator.clipboard !== undefined]),
    ).toEqual([false, false]);

    await page.getByRole("button", { name: "Copy the log" }).click();
    await page
      .getByRole("status")
      .getByText(/^Copied \d+ lines\.$/)
      .waitFor();

    // Pasted back, because nothing else may look into the clipboard.
    const field = page.getByRole("searchbox", { name: "Search the log" });
    await field.focus();
    await page.keyboard.press("Control+V");
    await until("it is pasted", async () => (await field.inputValue()).includes("line 50"));
  });

  test("each source is told, and the controller's own words stand out", async () => {
    await begin();
    write("words of the node", "spark-2");
    write("words of the controller", "controller");
    const line = (text: string) => log.getByRole("paragraph").filter({ hasText: text });
    await line("words of the controller").waitFor();

    expect(await line("words of the node").locator(".log-source").textContent()).toBe("spark-2");
    const colour = (text: string) =>
      line(text)
        .locator("code")
        .evaluate((it) => getComputedStyle(it).color);
    expect(await colour("words of the controller")).not.toBe(await colour("words of the node"));
    expect(await log.getAttribute("aria-live")).toBe("off");
  });

  test("what was logged while there was no connection comes with the next one", async () => {
    await begin(10);
    await log.getByText("line 10", { exact: true }).waitFor();
    const { job_id } = demo.plane.swaps.active()[0]!;
    await demo.goAway();
    await demo.comeBack();
    write = (text) => demo.plane.swapLog.append(job_id, "launch", text);
    write("meanwhile");

    await log.getByText("meanwhile").waitFor();
    watched.complaints.length = 0; // of the connections that were refused
  });
});
