/** What a page of the dashboard says of itself before its data come. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

let demo: Demo | undefined;
afterEach(() => demo?.close());

async function begin(options: DemoOptions = {}): Promise<Demo> {
  await buildDashboard();
  demo = await startDemo(options);
  return demo;
}
/** Attributes of `<html>`. */
async function lookOf({ url }: Demo, path = "/"): Promise<Record<string, string>> {
  const [tag = ""] = /<html[^>]*>/.exec(await (await fetch(url + path)).text()) ?? [];
  return Object.fromEntries([...tag.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));
}
const wordsOf = async (of: Demo) => (await lookOf(of))["data-first"]!.split(" ");

test("how many there are of what, on every page, and that it is a simulated cluster", async () => {
  const it = await begin();
  await until("every service is looked at", () => it.plane.services.list().every(({ state }) => state !== "unknown"));
  await until("the disks are looked at", () => it.plane.inventory.menu.models.length > 8);

  for (const path of ["/", "/models", "/activity/01a"]) {
    const look = await lookOf(it, path);
    expect(look["data-first"]).toBe("models-8 found-2 nodes-2 slots-1 services-7 swaps-0 failed-0");
    expect(look).toMatchObject({ "data-simulated": "", lang: "en" });
    expect(look["data-news"]).toBeUndefined();
  }
});

test("a reservation, a swap that runs, one that is done, one that failed", async () => {
  const it = await begin();
  const { job_id } = await it.swap("gpt-oss-20b");
  expect(await wordsOf(it)).toContain("news");
  expect((await lookOf(it))["data-news"]).toBe(job_id);

  await it.post("/api/swap/lock", { holder: "nightly", ttl_seconds: 60 });
  expect(await wordsOf(it)).toContain("held");
  await fetch(`${it.url}/api/swap/lock?force=true`, { method: "DELETE" });
  expect(await wordsOf(it)).not.toContain("held");

  it.cluster.inject({ kind: "out_of_memory", times: 1 });
  const failing = it.swap("gpt-oss-120b");
  while (it.plane.swaps.active().length === 0) await Bun.sleep(1);
  expect(await wordsOf(it)).toContain("swapping");
  await failing;
  expect(await wordsOf(it)).toEqual(expect.arrayContaining(["bad-news", "swaps-2", "failed-1"]));
});

test("that nothing is set up, and that something of the configuration could not be used", async () => {
  const it = await begin({ topology: () => "nodes: []\nsettings:\n  stall_seconds: soon\n" });

  expect(await wordsOf(it)).toEqual(expect.arrayContaining(["set-up", "problems", "nodes-0"]));
});
