/** The page of the Sparks themselves: their hardware, whether they can be reached, and what wakes them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createSocket } from "node:dgram";
import type { Page } from "playwright-core";
import { outagesOf, outageWords } from "../../public/machines/outages.ts";
import { pathsOf } from "../../public/machines/sparkline.ts";
import { until } from "../support/until.ts";
import { inBrowser } from "./browser.ts";
import { WatchedDemo } from "./watched-demo.ts";

setDefaultTimeout(60_000);

test("a sparkline has gaps where nothing is known, and a dot for a lonely value", () => {
  expect(pathsOf([0, 50, null, 100, null], 100)).toEqual({ line: "M0 26L30 14M90 2h0.01", end: "" });
  expect(pathsOf([null, 200], 100)).toEqual({ line: "M120 2h0.01", end: "M120 2h0.01" });
  expect(pathsOf([], 100)).toEqual({ line: "", end: "" });
});

test("outages are told with begin and length; the one that goes on as such", () => {
  const at = (time: string) => new Date(`2026-03-01T${time}`);
  const event = { spark: "spark-1", reason: "Nothing answers.", down_seconds: null };
  const outages = outagesOf(
    [
      { ...event, at: at("05:00:00").toISOString(), transition: "down" },
      { ...event, at: at("03:16:00").toISOString(), transition: "up", down_seconds: 240 },
      { ...event, at: at("03:12:00").toISOString(), transition: "down" },
    ],
    { "spark-1": "down" },
  );

  const now = at("05:07:30").getTime();
  expect(outages.map((outage) => outageWords(outage, now))).toEqual([
    "unreachable since 05:00, for 7 min so far",
    "unreachable from 03:12 for 4 min",
  ]);
});

inBrowser("the machines in the dashboard", () => {
  const on = new WatchedDemo();
  const spark = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
  const gauge = (page: Page, name: string, of: string) =>
    spark(page, name)
      .getByRole("term")
      .filter({ hasText: new RegExp(`^${of}$`) })
      .locator("xpath=following-sibling::dd");
  const connection = (page: Page) => page.getByRole("region", { name: "Connection" });

  test("show what the hardware does, and go on with it", async () => {
    const page = await on.begin({
      path: "/machines",
      model: "gpt-oss-20b",
      demo: { machineTiming: { hardwareMs: 200 } },
    });

    await gauge(page, "spark-1", "GPU use")
      .getByText(/^\d+ %$/)
      .waitFor();
    await gauge(page, "spark-1", "GPU use")
      .getByText(/MHz, P0$/)
      .waitFor();
    await gauge(page, "spark-1", "Temperature")
      .getByText(/^\d+ °C$/)
      .waitFor();
    await gauge(page, "spark-1", "Power")
      .getByText(/^\d+ W$/)
      .waitFor();
    await gauge(page, "spark-1", "Processor")
      .getByText(/^20 cores, load \d/)
      .waitFor();
    await gauge(page, "spark-1", "Model disk")
      .getByText(/ TB free$/)
      .waitFor();
    await spark(page, "spark-1")
      .getByRole("img", { name: /^Memory in the last hour: from \d+ to \d+ GB$/ })
      .waitFor();
    await spark(page, "spark-1").getByText("VPN 10.77.2.10").waitFor();
    await spark(page, "spark-1").getByText("Driver 580.95.05").waitFor();
    await spark(page, "spark-2").getByText("spark-1 can log in here").waitFor();
    await spark(page, "spark-1").getByText("Memory by process").click();
    await spark(page, "spark-1")
      .getByRole("listitem")
      .filter({ hasText: "VLLM::EngineCore" })
      .getByText(/GB through the GPU/)
      .waitFor();

    // What is open stays open while the figures change.
    const [before] = on.demo.plane.machines.hardware.cards();
    await until("the figures went on", () => on.demo.plane.machines.hardware.cards()[0]?.at !== before?.at);
    expect(await spark(page, "spark-1").locator("details").getAttribute("open")).toBe("");
    expect(on.watched.complaints).toEqual([]);
  });

  test("say what a Spark does not tell, and what the first one cannot do there", async () => {
    const page = await on.begin({ path: "/activity" });
    on.demo.cluster.inject({ kind: "gpu_missing", node: "spark-1" });
    on.demo.cluster.inject({ kind: "worker_ssh_denied" });
    await page.goto(`${on.demo.url}/machines`);

    for (const figure of ["GPU use", "Temperature", "Power"]) {
      await gauge(page, "spark-1", figure).getByText("–", { exact: true }).waitFor();
      await gauge(page, "spark-1", figure).getByText("not reported", { exact: true }).waitFor();
    }
    await spark(page, "spark-1").getByText("Driver not reported").waitFor();
    await spark(page, "spark-2").getByText("spark-1 cannot log in here").waitFor();
    await spark(page, "spark-2")
      .getByText(/ssh-copy-id/)
      .waitFor();
  });

  test("the key, and the line that lets Spark Control in", async () => {
    const page = await on.begin({ path: "/machines" });
    const key = page.getByRole("region", { name: "Spark Control's public key" });

    await key.getByText(on.demo.plane.identity.publicKeyLine, { exact: true }).waitFor();
    await key.getByText(/^mkdir -p ~\/\.ssh/).waitFor();
    await key.getByRole("button", { name: "Copy: line that lets Spark Control in" }).click();
    await page.getByText(/^Copied\.$|The text is selected/).waitFor();
  });

  test("an outage is told at once, woken from, and listed when it is over", async () => {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const packets: Uint8Array[] = [];
    socket.on("message", (packet) => packets.push(packet));
    const wakeTo = { addresses: ["127.0.0.1"], port: socket.address().port };
    try {
      const page = await on.begin({
        path: "/machines",
        demo: { machineTiming: { connectivityMs: 200, wakeTo }, outageLastsMs: 500 },
      });
      const state = () => on.demo.plane.machines.connectivity.states().find(({ spark: name }) => name === "spark-2");
      await until("its hardware address is known", () => typeof state()?.mac === "string");
      const row = connection(page).getByRole("listitem", { name: "spark-2" });
      await row.getByText(/^Reachable/).waitFor();
      await connection(page).getByText("No outage. They are kept for a year.").waitFor();

      on.demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
      await row.getByText(/^Not reachable since \d\d:\d\d$/).waitFor();
      await connection(page)
        .getByText(/^spark-2 unreachable since \d\d:\d\d, for less than a minute so far$/)
        .waitFor();
      await row.getByRole("button", { name: "Wake spark-2" }).click();
      const dialog = page.getByRole("dialog", { name: "Wake spark-2?" });
      // What is said goes again after some seconds.
      await Promise.all([
        page.getByText("The packet was sent. spark-2 takes about a minute to start.").waitFor(),
        dialog.getByRole("button", { name: "Wake spark-2" }).click(),
      ]);
      await dialog.waitFor({ state: "hidden" });
      await until("the packet came", () => packets.length > 0);
      expect(Buffer.from(packets[0]!).toString("hex", 6, 12)).toBe(String(state()?.mac).replaceAll(":", ""));

      on.demo.cluster.clear();
      await row.getByText(/^Reachable since \d\d:\d\d$/).waitFor();
      await connection(page)
        .getByText(/^spark-2 unreachable from \d\d:\d\d for \d+ s$/)
        .waitFor();
      await row
        .getByRole("img", { name: /^spark-2 could be reached .+ %.* with 1 outage of \d+ s together\.$/ })
        .waitFor();
      await connection(page).getByRole("button", { name: "Month" }).click();
      await row.getByRole("img", { name: /of the last 30 days, with 1 outage/ }).waitFor();
      expect(await row.getByRole("button").count()).toBe(0);
      expect(on.watched.complaints).toEqual([]);
    } finally {
      socket.close();
    }
  });
});
