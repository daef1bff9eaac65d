/** Readers that do not read, and many that do, seen from outside a controller that is a process of its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSimulatedCluster, type SimulatedBenchCluster } from "../bench/cluster.ts";
import { verdict } from "../bench/figure.ts";
import { residentMb } from "../bench/process-figures.ts";
import { KINDS, measure } from "../bench/streams.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { kernelSocket } from "../support/kernel-sockets.ts";
import { requirement } from "../support/requirements.ts";
import { StreamReader } from "../support/stream-readers.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

const HEALTHY = 20;
const LIMIT_BYTES = 1024 * 1024;
/** Makes a `config` event of some hundred kB. */
const MODELS = 300;
/** Beyond all that the kernel may hold for one connection (tcp_rmem, tcp_wmem). */
const MOST_ROUNDS = 400;
const MOST_MEMORY_MB = 300;
const WARM_UP = 5;

const onLinux = requirement("readers that do not read", process.platform === "linux", "needs Linux (/proc)");

onLinux("a reader of the event stream that does not read", () => {
  let cluster: SimulatedBenchCluster;
  let data: ReturnType<typeof makeDataDir>;
  let controller: Controller;
  const readers: StreamReader[] = [];
  beforeAll(async () => {
    cluster = await openSimulatedCluster();
    data = makeDataDir(cluster.files);
    controller = await Controller.start({ dataDir: data.dataDir, env: cluster.env });
  });
  afterAll(async () => {
    for (const reader of readers) reader.close();
    await controller?.stop();
    data?.remove();
    await cluster?.close();
  });

  const open = (path = "/api/events") => {
    const reader = new StreamReader(controller.url, path);
    readers.push(reader);
    return reader;
  };
  const serverPort = () => Number(new URL(controller.url).port);

  /** Changes the configuration, which everyone is sent as a whole. */
  function change(round: number): void {
    const entries = Array.from(
      { length: MODELS },
      (_, index) =>
        `  model-${index}: { name: "Model ${index}, round ${round}", repo: example/model-${index}, note: "${"x".repeat(200)}" }\n`,
    );
    writeFileSync(join(data.dataDir, "models-overrides.yaml"), `models:\n${entries.join("")}`);
  }

  test("is dropped at 1 MB, and costs only itself", async () => {
    const healthy = Array.from({ length: HEALTHY }, () => open());
    await until("all have their snapshot", () => healthy.every(({ events }) => events.has("snapshot")));
    const others = healthy[0]!;
    const hasChange = (round: number) => (others.last.get("config") ?? "").includes(`round ${round}"`);
    // The work itself takes memory at first, whoever reads.
    for (let warm = -WARM_UP; warm <= 0; warm++) {
      change(warm);
      await until("the change is told", () => hasChange(warm), 30_000);
    }
    const [memory, sentBefore] = [residentMb(controller.process.pid), others.bytes];
    const stuck = open();
    await until("it has its snapshot", () => stuck.events.has("snapshot"));
    stuck.stop();

    let round = 0;
    let held = 0;
    let most = memory;
    while (kernelSocket(serverPort(), stuck.port)?.isEstablished && round < MOST_ROUNDS) {
      round += 1;
      change(round);
      await until(`change ${round} is told`, () => hasChange(round), 30_000);
      const [theirs, ours] = [kernelSocket(serverPort(), stuck.port), kernelSocket(stuck.port, serverPort())];
      // It may be dropped between the two looks: what it had not read is gone then.
      if (theirs?.isEstablished && ours?.isEstablished)
        held = Math.max(held, others.bytes - sentBefore - theirs.unsent - ours.unread);
      most = Math.max(most, residentMb(controller.process.pid));
    }

    const event = others.last.get("config")?.length ?? 0;
    console.log(
      `stuck reader: dropped after ${round} events of ${(event / 1000).toFixed(0)} kB; of ${((others.bytes - sentBefore) / 1e6).toFixed(1)} MB ` +
        `the controller held at most ${(held / 1e6).toFixed(2)} MB for it, the kernel the rest; memory ${memory.toFixed(0)} → ${most.toFixed(0)} MB`,
    );
    expect(round).toBeLessThan(MOST_ROUNDS);
    expect(held).toBeLessThan(LIMIT_BYTES + 2 * event);
    expect(most).toBeLessThan(MOST_MEMORY_MB);
    for (const each of healthy) {
      expect(each.isEnded).toBe(false);
      await until("everyone else is current", () => (each.last.get("config") ?? "").includes(`round ${round}"`));
    }
    const [late] = [open()];
    await until("it may come again", () => late?.events.has("snapshot") ?? false);
  });

  test("a log that one follower does not read waits for that one alone", async () => {
    const job = await controller.begin("gpt-oss-20b");
    const path = `/api/swap/${job.job_id}/stream`;
    const [stuck, healthy] = [open(path), open(path)];
    await until("both follow", () => [stuck, healthy].every(({ events }) => events.has("log")));
    stuck.stop();

    await until("the other is told the end", () => healthy.events.has("end"), 60_000);

    expect(stuck.events.has("end")).toBe(false);
    expect((await controller.settled(job.job_id)).state).toBe("ready");
  });
});

onLinux("five hundred readers", () => {
  for (const kind of KINDS)
    test(`${kind.name.replace(/^\d+ readers of /, "")}: under 300 MB and 0.3 of a core, and each knows the last line`, async () => {
      const figures = await measure(kind);

      const barred = figures.filter(({ bar }) => bar !== null);
      console.log(
        figures.map(({ name, unit, values }) => `${name} ${values.map((each) => each.toFixed(1))} ${unit}`).join("; "),
      );
      expect(barred.map(({ bar }) => bar)).toEqual([{ below: 300 }, { below: 30 }]);
      expect(barred.map((figure) => [figure.name, verdict(figure)])).toEqual(barred.map(({ name }) => [name, "pass"]));
    });
});
