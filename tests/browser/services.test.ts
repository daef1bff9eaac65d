/** What runs beside the models, in a real browser: how it is, and what is done with it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import type { DemoOptions } from "../support/demo.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { ALL_HANGS, nothingKnown, PROBED_OFTEN, withoutUser } from "./scenes-services.ts";
import { canBePressed, cannotBePressed } from "./waits.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

inBrowser("services in the dashboard", () => {
  const on = new WatchedDemo();
  const begin = (demo: DemoOptions = {}, model?: string) =>
    on.begin({ path: "/services", demo, ...(model === undefined ? {} : { model }) });
  const row = (page: Page, name: string) =>
    page
      .getByRole("region", { name: "Services" })
      .getByRole("listitem")
      .filter({ has: page.getByRole("button", { name: `Details of ${name}` }) });
  const detailsOf = (page: Page, name: string) => page.getByRole("group", { name: `Details of ${name}` });
  const container = (name: string) => on.demo.cluster.nodes[1]!.docker.find(name)!;

  const openLog = async (page: Page, name: string) => {
    await row(page, name)
      .getByRole("button", { name: `Details of ${name}` })
      .click();
    const details = detailsOf(page, name);
    return { details, log: details.getByRole("log", { name: `Log of ${name}` }) };
  };

  test("each says how it is; a hidden one is named with where it is shown again", async () => {
    const page = await begin({ env: { DISABLED_SERVICES: "qdrant" } }, "gpt-oss-20b");

    for (const name of ["main", "parakeet", "kokoro", "matrix-bridge"])
      await row(page, name).getByText("Healthy").waitFor();
    await row(page, "main").getByText("model gpt-oss-20b").waitFor();
    await row(page, "main").getByText("Chat model", { exact: true }).waitFor();
    await row(page, "kokoro").getByText("Speech", { exact: true }).waitFor();
    await row(page, "matrix-bridge").getByText("matrix-bridge", { exact: true }).waitFor();
    expect(await row(page, "qdrant").count()).toBe(0);
    await page.getByText(/^Hidden: (.*, )?qdrant[.,]/).waitFor();
    await page.getByRole("link", { name: "Show them again in Settings" }).click();
    await page.waitForURL("**/settings");
  });

  test("a bot without a user has no tile, and is named among what is hidden", async () => {
    const page = await begin({ serviceFile: withoutUser });

    await row(page, "kokoro").getByText("Healthy").waitFor();
    expect(await row(page, "matrix-bridge").count()).toBe(0);
    await page.getByText(/^Hidden: (.*, )?matrix-bridge[.,]/).waitFor();
  });

  test("when a whole Spark is away, Overview says why once, and of what runs there only that it is", async () => {
    const page = await on.begin({ demo: { ...PROBED_OFTEN, outageLastsMs: 500 }, model: "gpt-oss-20b" });
    on.demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });

    const services = page.getByRole("region", { name: "Services", exact: true });
    for (const name of ["Transcription", "Speech", "Search"])
      await services
        .getByRole("listitem")
        .filter({ hasText: name })
        .getByText(/^[\w-]+, since \d\d:\d\d: spark-2 is not reachable\.$/)
        .waitFor();
    const spark = page.getByRole("region", { name: "Sparks" }).getByRole("listitem").filter({ hasText: "spark-2" });
    await spark.getByText(/^Not reachable since /).waitFor();
    // Its name stands there already.
    expect(await spark.getByText(/^spark-2: /).count()).toBe(0);
    expect(
      await page
        .getByRole("group", { name: "spark-2" })
        .getByText(/^spark-2: /)
        .count(),
    ).toBe(0);
  });

  test("as long as no Spark has answered nothing is claimed of it, of what runs there and of what is served", async () => {
    const page = await begin(ALL_HANGS);
    await nothingKnown(on.demo);
    await page.goto(`${on.demo.url}/services`);
    for (const name of ["main", "parakeet", "kokoro", "matrix-bridge"])
      await row(page, name).getByText("Not looked at yet", { exact: true }).waitFor();

    await page.goto(on.demo.url);
    await page.getByRole("heading", { name: "Not known what is served" }).waitFor();
    const block = page.getByRole("link", { name: "The cluster now: Not known" });
    await block.first().waitFor();
    expect(await page.getByText(/No model\b/).count()).toBe(0);
    for (const spark of ["spark-1", "spark-2"])
      await page.getByRole("group", { name: spark }).getByText("Not looked at yet").waitFor();
    await page.getByRole("region", { name: "Models" }).getByText("8 models", { exact: true }).waitFor();

    await page.goto(`${on.demo.url}/machines`);
    await page.getByRole("region", { name: "spark-1" }).getByText("Not looked at yet").waitFor();
    await page.getByRole("region", { name: "Connection" }).getByText("Not known", { exact: true }).first().waitFor();
  });

  test("the address of a service can be copied", async () => {
    const page = await begin();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await row(page, "kokoro").getByRole("button", { name: "Details of kokoro" }).click();
    await detailsOf(page, "kokoro").getByRole("button", { name: "Copy: address of kokoro" }).click();

    await page.getByText("Copied.").waitFor();
    const { services } = on.demo.plane;
    const url = services.list().find(({ name }) => name === "kokoro")?.url;
    await detailsOf(page, "kokoro")
      .getByText(url ?? "no address", { exact: true })
      .waitFor();
  });

  test("a stop and a start are asked about, done on the Spark, and shown", async () => {
    const page = await begin();
    await row(page, "kokoro").getByText("Healthy").waitFor();

    await row(page, "kokoro").getByRole("button", { name: "Stop kokoro" }).click();
    await page.getByRole("dialog", { name: "Stop kokoro?" }).getByRole("button", { name: "Stop" }).click();
    await row(page, "kokoro").getByText("Stopped", { exact: true }).waitFor();
    expect(container("kokoro").running).toBe(false);

    await row(page, "kokoro").getByRole("button", { name: "Start kokoro" }).click();
    await page.getByRole("dialog", { name: "Start kokoro?" }).getByRole("button", { name: "Start" }).click();
    await row(page, "kokoro").getByText("Healthy").waitFor();
    expect(container("kokoro").running).toBe(true);
  });

  test("a restart is asked about, is one of the container, and ends healthy", async () => {
    const page = await begin();
    await row(page, "kokoro").getByText("Healthy").waitFor();
    const before = container("kokoro").startedAt.getTime();

    await row(page, "kokoro").getByRole("button", { name: "Restart kokoro" }).click();
    const question = page.getByRole("dialog", { name: "Restart kokoro?" });
    await question.getByText("Whoever uses it gets errors meanwhile.").waitFor();
    await question.getByRole("button", { name: "Restart" }).click();

    await until(
      "it was started anew",
      () => container("kokoro").startedAt.getTime() > before && container("kokoro").running,
    );
    await row(page, "kokoro").getByText("Healthy").waitFor();
  });

  test("one that goes down is told here and on the Overview, and when it is left alone", async () => {
    const page = await begin(PROBED_OFTEN);
    await row(page, "kokoro").getByText("Healthy").waitFor();

    on.demo.cluster.inject({ kind: "service_dies", service: "kokoro" });
    await row(page, "kokoro").getByText("Unhealthy").waitFor();
    await row(page, "kokoro").getByText("It was restarted 3 times within 30 minutes").waitFor();

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
    const panel = page.getByRole("region", { name: "Services" });
    const line = panel.getByRole("listitem").filter({ has: page.getByText("Speech", { exact: true }) });
    await line.getByText("Unhealthy").waitFor();
    await line.getByText(/^kokoro, since \d\d:\d\d: It was restarted 3 times/).waitFor();
    await panel.getByText(/^\d healthy, 1 stopped, 1 unhealthy$/).waitFor();
    await panel.getByRole("link", { name: "All services" }).click();
    await page.waitForURL("**/services");

    on.demo.cluster.clear();
    await row(page, "kokoro").getByRole("button", { name: "Restart kokoro" }).click();
    await page.getByRole("dialog", { name: "Restart kokoro?" }).getByRole("button", { name: "Restart" }).click();
    await row(page, "kokoro").getByText("Healthy").waitFor();
  });

  test("nothing is done when the question is answered with no", async () => {
    const page = await begin();
    await row(page, "kokoro").getByRole("button", { name: "Restart kokoro" }).click();
    const before = container("kokoro").startedAt;
    await page.keyboard.press("Escape");

    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(container("kokoro").startedAt).toEqual(before);
  });

  test("what serves a model is not touched while somebody else has reserved it, and the page says why", async () => {
    const page = await begin({}, "gpt-oss-20b");
    const stop = row(page, "main").getByRole("button", { name: "Stop main" });
    await row(page, "main").getByText("Healthy").waitFor();
    await canBePressed(stop);
    expect((await on.demo.post("/api/swap/lock", { holder: "nightly" })).status).toBe(200);

    await cannotBePressed(stop);
    expect(await stop.getAttribute("title")).toMatch(/^Paused until .*, reserved by nightly\.$/);
    await row(page, "main").getByRole("button", { name: "Details of main" }).click();
    await detailsOf(page, "main").getByText("reserved by nightly").waitFor();
    await canBePressed(row(page, "kokoro").getByRole("button", { name: "Stop kokoro" }));
  });

  test("details have the log, and real work on demand", async () => {
    const page = await begin();
    await row(page, "parakeet").getByRole("button", { name: "Details of parakeet" }).click();
    const details = detailsOf(page, "parakeet");
    const log = details.getByRole("log", { name: "Log of parakeet" });
    await log.getByRole("paragraph").first().waitFor();

    await details.getByText("not checked yet").waitFor();
    await details.getByRole("button", { name: "Check now: parakeet" }).click();
    await details.getByText("did its work").waitFor();
    const download = page.waitForEvent("download");
    await details.getByRole("link", { name: "Download the log" }).click();
    expect((await download).suggestedFilename()).toContain("parakeet");
  });

  test("the log is followed from its end, until it is paused or scrolled up", async () => {
    const page = await begin();
    const write = (text: string) => container("kokoro").log.append(`${text}\n`);
    for (let at = 1; at <= 150; at += 1) write(`early ${at}`);
    const { details, log } = await openLog(page, "kokoro");
    const isAtEnd = () =>
      log.evaluate((box) => box.scrollTop > 0 && box.scrollHeight - box.scrollTop - box.clientHeight < 30);
    await log.getByText("early 150").waitFor();
    await until("its end is in view", isAtEnd);

    write("comes by itself");
    await log.getByText("comes by itself").waitFor();
    await until("its end is in view", isAtEnd);

    await details.getByRole("button", { name: "Pause" }).click();
    write("while paused");
    await details.getByText("1 line waiting").waitFor();
    expect(await log.textContent()).not.toContain("while paused");
    await details.getByRole("button", { name: "Follow" }).click();
    await log.getByText("while paused").waitFor();

    await log.evaluate((box) => box.scrollTo(0, 0));
    await details.getByRole("button", { name: "Follow" }).waitFor();
    write("far below");
    await details.getByRole("button", { name: "1 new line" }).click();
    await log.getByText("far below").waitFor();
    await until("its end is in view", isAtEnd);
  });

  test("the log is searched and copied", async () => {
    const page = await begin();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    for (let at = 1; at <= 200; at += 1)
      container("kokoro").log.append(`${at % 90 === 5 ? "Odd" : "plain"} thing ${at}\n`);
    const { details, log } = await openLog(page, "kokoro");
    await log.getByText("plain thing 200").waitFor();

    await details.getByRole("searchbox", { name: "Search the log" }).fill("odd");
    await details.getByText("of 3", { exact: false }).first().waitFor();
    await details.getByRole("button", { name: "Next match" }).click();
    await log.locator("[aria-current=true] mark").waitFor();
    await details.getByRole("searchbox", { name: "Search the log" }).fill("nothing of this");
    await details.getByText("No line matches.").waitFor();

    await details.getByRole("button", { name: "Copy the log" }).click();
    await page.getByText(/^Copied \d+ lines\.$/).waitFor();
  });

  test("a log whose container ends says so, and goes on when it is started again", async () => {
    const page = await begin();
    const { details, log } = await openLog(page, "kokoro");
    await log.getByRole("paragraph").first().waitFor();

    const ended = details.getByText(/^Its container has ended with exit code \d+\. These are its last lines/).waitFor();
    on.demo.cluster.nodes[1]!.docker.kill(container("kokoro"));
    // It is restarted as soon as that is known.
    await ended;
    await row(page, "kokoro").getByText("Healthy").waitFor();
    await details.getByText(/^Its container has ended/).waitFor({ state: "hidden" });
    container("kokoro").log.append("after the restart\n");
    await log.getByText("after the restart").waitFor();
  });

  test("a log that cannot be read says why, and is read again once it can be", async () => {
    const page = await begin();
    const { details, log } = await openLog(page, "kokoro");
    await log.getByRole("paragraph").first().waitFor();

    on.demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
    await details.getByRole("status").filter({ hasText: "spark-2" }).waitFor();
    on.demo.cluster.clear();
    container("kokoro").log.append("written meanwhile\n");
    await log.getByText("written meanwhile").waitFor();
  });

  test("a bot is updated with its steps; one that may not read its repository says so", async () => {
    const page = await begin();
    await row(page, "matrix-bridge").getByRole("button", { name: "Details of matrix-bridge" }).click();
    const details = detailsOf(page, "matrix-bridge");
    const update = async () => {
      await details.getByRole("button", { name: "Update matrix-bridge" }).click();
      await page.getByRole("dialog", { name: "Update matrix-bridge?" }).getByRole("button", { name: "Update" }).click();
    };

    await update();
    await details.getByText("Updated", { exact: true }).waitFor();
    await details.getByText("git fetch origin").waitFor();
    const output = details.getByRole("log", { name: "Output of the update of matrix-bridge" });
    await output.getByText("Container matrix-bridge  Started").waitFor();

    on.demo.cluster.inject({ kind: "service_update_denied", service: "matrix-bridge" });
    await update();
    await details.getByText("Update failed").waitFor();
    await output.getByText("Permission denied (publickey)").waitFor();
    expect(await output.textContent()).not.toContain("Started");
  });

  test("how the last update went is told after a reload too, and by the next controller", async () => {
    const page = await begin();
    const open = () => row(page, "matrix-bridge").getByRole("button", { name: "Details of matrix-bridge" }).click();
    await open();
    const details = detailsOf(page, "matrix-bridge");
    await details.getByText("Container", { exact: true }).waitFor();
    expect(await details.getByText("git fetch origin").count()).toBe(0);

    on.demo.cluster.inject({ kind: "service_update_denied", service: "matrix-bridge" });
    await on.demo.post("/api/services/matrix-bridge/update", {});
    await details.getByText("Update failed").waitFor();
    const isTold = async () => {
      await open();
      await details.getByText(/^\d\d:\d\d, after .* s, /).waitFor();
      await details.getByText("the bot's key may read its repository").waitFor();
      const steps = details.getByRole("list").first().getByRole("listitem");
      expect(await steps.allInnerTexts()).toEqual([
        expect.stringMatching(/^Failed\s+Fetch the newest version/),
        expect.stringMatching(/^Not done\s+Put it in place/),
        expect.stringMatching(/^Not done\s+Build and start it/),
      ]);
    };
    await page.reload();
    await isTold();

    await on.demo.goAway();
    await on.demo.comeBack();
    await page.reload();
    await isTold();
  });

  test("an update that hangs is cancelled", async () => {
    const page = await begin();
    on.demo.cluster.inject({ kind: "service_update_stuck", service: "matrix-bridge" });
    await row(page, "matrix-bridge").getByRole("button", { name: "Details of matrix-bridge" }).click();
    const details = detailsOf(page, "matrix-bridge");
    await details.getByRole("button", { name: "Update matrix-bridge" }).click();
    await page.getByRole("dialog", { name: "Update matrix-bridge?" }).getByRole("button", { name: "Update" }).click();

    await details
      .getByRole("log", { name: "Output of the update of matrix-bridge" })
      .getByText("HEAD is now at")
      .waitFor();
    await details.getByRole("button", { name: "Cancel the update of matrix-bridge" }).click();
    await details.getByText("Update cancelled").waitFor();
    await details.getByRole("button", { name: "Update matrix-bridge" }).waitFor();
  });
});
