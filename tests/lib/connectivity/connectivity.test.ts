/** The watch over Sparks that come and go, on the simulated cluster: real SSH, real sockets, short intervals. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectivityOptions } from "../../../lib/connectivity/connectivity.ts";
import type { availabilityOf, connectivityOf } from "../../../lib/connectivity/wire.ts";
import { isoTime } from "../../../lib/ids.ts";
import type { Status } from "../../../lib/status.ts";
import { type Demo, type DemoOptions, startDemo } from "../../support/demo.ts";
import { DESCRIPTORS_AVAILABLE, DESCRIPTORS_HOW, descriptors } from "../../support/descriptors.ts";
import { requirement } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(120_000);

const INTERVAL_MS = 60;
/** A poll takes no longer, on a busy machine. */
const POLL_MS = 2_000;
type Log = ReturnType<typeof connectivityOf>;

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

async function start(options: DemoOptions = {}): Promise<Demo> {
  demo = await startDemo({ services: false, machineTiming: { connectivityMs: INTERVAL_MS }, ...options });
  await until("both Sparks are known", async () => Object.values((await log()).macs).every((mac) => mac !== null));
  return demo;
}
const log = async (): Promise<Log> => (await fetch(`${demo!.url}/api/connectivity`)).json() as Promise<Log>;
const status = async (): Promise<Status> => (await fetch(`${demo!.url}/api/status`)).json() as Promise<Status>;
const becomes = (state: string, spark = "spark-2") =>
  until(`${spark} is ${state}`, async () => (await log()).current[spark] === state, 60_000);
/** Another topology.yaml is there from now on. */
function reads(yaml: string): void {
  writeFileSync(join(demo!.dataDir, "topology.yaml"), yaml);
  demo!.plane.config.reload();
}
const withoutSpark2 = (yaml: string) => yaml.replace(/ {2}- name: spark-2\n(?: {4}.*\n)*/, "");
const network = (state: "up" | "down" | "silent") => demo!.cluster.nodes[1]!.network.set(state);

describe("the connectivity log", () => {
  test("has the shape that existing clients read, and is quiet while all is well", async () => {
    await start();

    expect(await log()).toEqual({
      macs: { "spark-1": "02:00:00:00:01:00", "spark-2": "02:00:00:00:01:01" },
      current: { "spark-1": "up", "spark-2": "up" },
      last_change: { "spark-1": null, "spark-2": null },
      events: [],
      poll_seconds: INTERVAL_MS / 1000,
    });
  });

  test("tells begin, end and duration of an outage, and the status says since when", async () => {
    const { plane } = await start();
    const told: unknown[] = [];
    plane.events.subscribe((event) => told.push([event.spark, event.transition]), ["connectivity.changed"]);
    // The poll that is under way when the network goes is the first that fails.
    const before = isoTime(Date.now() - POLL_MS);
    network("down");
    await becomes("down");

    const node = (await status()).nodes[1]!;
    expect(node.state).toBe("unreachable");
    expect(node.since! >= before).toBe(true);
    expect(node.since! <= isoTime(Date.now())).toBe(true);
    const [begun] = (await log()).events;
    expect(begun).toMatchObject({ spark: "spark-2", transition: "down", at: node.since, down_seconds: null });
    expect(begun!.reason).toContain("Nothing answers at");

    network("up");
    await becomes("up");
    const { events, last_change } = await log();
    expect(events.map(({ transition }) => transition)).toEqual(["up", "down"]);
    const lasted = (Date.parse(events[0]!.at) - Date.parse(events[1]!.at)) / 1000;
    expect(Math.abs(events[0]!.down_seconds! - lasted)).toBeLessThan(0.11);
    expect(last_change["spark-2"]).toBe(events[0]!.at);
    expect(told).toEqual([
      ["spark-2", "down"],
      ["spark-2", "up"],
    ]);
  });

  test("the chart knows the outage, and that nobody watched before", async () => {
    await start();
    network("down");
    await becomes("down");
    network("up");
    await becomes("up");

    type Chart = ReturnType<typeof availabilityOf>;
    const chart = (await (await fetch(`${demo!.url}/api/connectivity/availability?window=week`)).json()) as Chart;
    expect(chart).toMatchObject({ window: "week", bucket_seconds: 7_200 });
    const [well, out] = chart.sparks;
    expect(well).toMatchObject({ spark: "spark-1", percent_up: 100, outages: 0, down_seconds: 0 });
    expect(out!.outages).toBe(1);
    expect(out!.percent_up!).toBeLessThan(100);
    expect(Math.abs(out!.down_seconds - (await log()).events[0]!.down_seconds!)).toBeLessThan(0.3);
    expect(out!.buckets).toHaveLength(84);
    expect(out!.buckets[0]).toMatchObject({ up_seconds: 0, down_seconds: 0, unknown_seconds: 7_200 });
    expect((await fetch(`${demo!.url}/api/connectivity/availability?window=year`)).status).toBe(422);
  });

  test("a silent host is down, too, and its old connection does not hold up its return", async () => {
    await start();
    network("silent");
    await becomes("down");
    network("up");
    await becomes("up");

    expect((await log()).events).toHaveLength(2);
  });

  test("a Spark that refuses the key is down although its port answers", async () => {
    const { cluster, plane } = await start();
    cluster.inject({ kind: "key_refused", node: "spark-2" });
    network("down");
    await becomes("down");
    network("up");
    const isRefused = async () => {
      // By itself it looks again after 15 s only.
      await plane.slots.lookAtNodes();
      return (await status()).nodes[1]!.failure?.code === "ssh_key_refused";
    };
    await until("the key is refused", isRefused, 30_000);

    expect((await log()).current["spark-2"]).toBe("down");
  });

  test("an outage goes on across a restart of the controller, and since when is remembered", async () => {
    const { restart } = await start();
    network("down");
    await becomes("down");
    const { since } = (await status()).nodes[1]!;

    await restart();

    expect((await log()).current["spark-2"]).toBe("down");
    expect((await status()).nodes[1]).toMatchObject({ state: "unreachable", since });
    network("up");
    await becomes("up");
    const { events } = await log();
    expect(events.map(({ transition }) => transition)).toEqual(["up", "down"]);
    expect(events[1]!.at).toBe(since!);
  });

  test("a Spark that is taken out of the configuration is not waited for", async () => {
    const { cluster } = await start();
    network("down");
    await becomes("down");

    reads(withoutSpark2(cluster.topologyYaml));

    expect(Object.keys((await log()).current)).toEqual(["spark-1"]);
    expect((await log()).events.map(({ transition }) => transition)).toEqual(["up", "down"]);
  });

  const FIRST_BY_VARIABLES = { SPARK1_HOST: "127.0.0.10", SPARK1_USER: "spark" };
  test.each([
    ["that is broken", {}, (yaml: string) => `${yaml}\nnodes: [\n`],
    ["whose list of nodes is called otherwise", {}, (yaml: string) => yaml.replace("nodes:", "node:")],
    ["that is empty", {}, () => ""],
    ["that is broken beside variables for one Spark", FIRST_BY_VARIABLES, (yaml: string) => `${yaml}\nnodes: [\n`],
    ["with a typo in one entry", {}, (yaml: string) => yaml.replace(/(spark-2\n(?: {4}.*\n)*? {4}ssh_port: )/, "$1x")],
  ])("a configuration %s for a while ends no outage, and no hardware address is forgotten", async (_, env, broken) => {
    const { cluster, post } = await start({ env });
    const { macs } = await log();
    network("down");
    await becomes("down");

    reads(broken(cluster.topologyYaml));
    expect((await log()).current["spark-2"]).toBeUndefined();
    reads(cluster.topologyYaml);

    expect(await log()).toMatchObject({ macs, events: [{ spark: "spark-2", transition: "down" }] });
    expect((await post("/api/nodes/spark-2/wake", {})).status).toBe(200);
    network("up");
    await becomes("up");
    expect((await log()).events.map(({ transition }) => transition)).toEqual(["up", "down"]);
  });

  test("the outage of a Spark that is taken out is over, also when it was the last one", async () => {
    const { cluster } = await start();
    network("down");
    await becomes("down");

    const ended = async () => (await log()).events.filter(({ transition }) => transition === "up").length;
    const remark = (yaml: string) => yaml.replace("- name: spark-1\n", "- name: spark-1\n    rack: 2\n");
    reads(withoutSpark2(remark(cluster.topologyYaml)));
    expect(await ended()).toBe(1);
    reads(cluster.topologyYaml);
    await until("it is down again", async () => (await log()).current["spark-2"] === "down");

    reads("nodes: []\n");
    expect(await ended()).toBe(2);
    network("up");
    reads(cluster.topologyYaml);
    await becomes("up");
    expect((await log()).events).toHaveLength(4);
  });

  test("a Spark that was taken out and is put in again is woken by the address that it had", async () => {
    const { cluster } = await start();
    const { macs } = await log();
    network("down");
    await becomes("down");
    reads(withoutSpark2(cluster.topologyYaml));
    reads(cluster.topologyYaml);
    await until("it is asked again", async () => (await log()).current["spark-2"] === "down");
    expect((await log()).macs).toEqual(macs);
  });

  test("asks for one Spark, a number of events, and those before a time", async () => {
    await start();
    for (let round = 0; round < 3; round += 1) {
      network("down");
      await becomes("down");
      network("up");
      await becomes("up");
    }
    const ask = async (query: string) =>
      ((await (await fetch(`${demo!.url}/api/connectivity?${query}`)).json()) as Log).events;

    expect(await ask("spark=spark-1")).toEqual([]);
    const newest = await ask("limit=2");
    expect(newest).toHaveLength(2);
    const older = await ask(`limit=10&before=${encodeURIComponent(newest[1]!.at)}`);
    expect(older).toHaveLength(4);
    expect((await fetch(`${demo!.url}/api/connectivity?before=yesterday`)).status).toBe(422);
  });

  test("a question for the hardware address that hangs keeps no poll back: a link that flaps is seen in time", async () => {
    const { plane } = await start();
    const { options } = plane.machines.connectivity as unknown as { options: Pick<ConnectivityOptions, "macOf"> };
    const asked: string[] = [];
    (options as { macOf: ConnectivityOptions["macOf"] }).macOf = (node, signal) => {
      asked.push(node.name);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
    };
    for (let round = 0; round < 2; round += 1) {
      network("down");
      await becomes("down");
      network("up");
      await becomes("up");
    }

    expect(asked).toEqual(["spark-2"]);
    expect((await log()).events).toHaveLength(4);
  });

  test("what cannot be written now is written later, once", async () => {
    const { plane } = await start();
    const { connectivity } = plane.machines;
    const changes = () => connectivity.changes({ spark: null, before: null, limit: 10 });
    const store = (connectivity as unknown as { options: { write(...given: unknown[]): void } }).options;
    const { write } = store;
    let refused = 0;
    store.write = () => {
      refused += 1;
      throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
    };
    network("down");
    await until("writing was tried more than once", () => refused > 1);
    expect(changes()).toEqual([]);
    expect(connectivity.state("spark-2").state).toBe("down");

    store.write = write;
    await until("it is written", () => changes().length === 1);
  });
});

describe("waking a Spark", () => {
  test("sends the packet with the address that it had when it was reachable", async () => {
    const heard = createSocket("udp4");
    const packets: Buffer[] = [];
    heard.on("message", (packet) => packets.push(packet));
    await new Promise<void>((resolve) => heard.bind(0, "0.0.0.0", resolve));
    const wakeTo = { addresses: ["127.255.255.255"], port: heard.address().port };
    const { post } = await start({ machineTiming: { connectivityMs: INTERVAL_MS, wakeTo } });
    network("down");
    await becomes("down");

    const answer = await post("/api/nodes/spark-2/wake", {});

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ node: "spark-2", mac: "02:00:00:00:01:01" });
    await until("the packet has arrived", () => packets.length > 0);
    expect([...packets[0]!.subarray(6, 12)]).toEqual([2, 0, 0, 0, 1, 1]);
    expect((await post("/api/nodes/nobody/wake", {})).status).toBe(404);
    heard.close();
  });
});

requirement(
  "leaks of descriptors",
  DESCRIPTORS_AVAILABLE,
  DESCRIPTORS_HOW,
)("over 200 outages", () => {
  test("descriptors and memory stay flat", async () => {
    await start({ nodes: 2, ssh: { readyTimeoutMs: 2_000 }, machineTiming: { connectivityMs: 20 } });
    const state = () => demo!.plane.machines.connectivity.state("spark-2").state;
    const outages = async (count: number) => {
      for (let round = 0; round < count; round += 1) {
        network("down");
        await until("it is down", () => state() === "down", 30_000);
        network("up");
        await until("it is up", () => state() === "up", 30_000);
      }
    };
    const settled = async () => {
      let seen = descriptors();
      await until("sockets have closed", () => {
        const before = seen;
        seen = descriptors();
        return before.sockets === seen.sockets;
      });
      Bun.gc(true);
      return { ...seen, heap: process.memoryUsage().heapUsed };
    };
    await outages(20);
    const before = await settled();
    await outages(200);
    const after = await settled();

    expect(after.sockets - before.sockets).toBeLessThanOrEqual(4);
    expect(after.all - before.all).toBeLessThanOrEqual(6);
    const grownKb = (after.heap - before.heap) / 1024;
    console.log(`200 outages: ${grownKb.toFixed(0)} kB of heap more`);
    // 20 kB an outage: a connection that is kept costs more.
    expect(grownKb).toBeLessThan(200 * 20);
    const { events } = await log();
    expect(events.length).toBe(100);
    expect(demo!.plane.machines.connectivity.changes({ spark: "spark-2", before: null, limit: 1_000 })).toHaveLength(
      440,
    );
  });
});
