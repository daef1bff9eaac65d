/** Looking at the cards: on the simulated Sparks over SSH, only while somebody does, and in one round trip each. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { emptyCard, type HardwareCard } from "../../../lib/hardware/card.ts";
import { Hardware, type HardwareOptions } from "../../../lib/hardware/hardware.ts";
import { HISTORY_MS, History, type HistoryData } from "../../../lib/hardware/history.ts";
import { answersIn } from "../../../lib/hardware/questions.ts";
import { isoTime } from "../../../lib/ids.ts";
import { type Demo, startDemo } from "../../support/demo.ts";
import { until } from "../../support/until.ts";
import { aNode, aTopology } from "../swap/_fixtures.ts";
import { GB10 } from "./_recorded.ts";

setDefaultTimeout(60_000);

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

interface Answer {
  cards: (HardwareCard & { history: HistoryData | null })[];
  logins: { from: string; to: string; state: string; seen: string }[];
  public_key: string;
  authorize_line: string;
}
const ask = async (): Promise<Answer> => (await fetch(`${demo!.url}/api/hardware`)).json() as Promise<Answer>;
const MACHINE = { hardwareMs: 100, lingerMs: 400 };

describe("the cards", () => {
  test("show an idle Spark, and one that is at work", async () => {
    demo = await startDemo({ machineTiming: MACHINE });
    const [idle] = (await ask()).cards;
    expect(idle).toMatchObject({
      name: "spark-1",
      problem: null,
      gpu: { name: "NVIDIA GB10", percent: 0, power_limit_watts: null },
      cpu: { cores: 20 },
      vpn_address: "10.77.2.10",
    });
    expect(idle!.disk!.total_bytes).toBeGreaterThan(1e12);

    await demo.swap("gpt-oss-20b");
    await until("the GPU is at work", async () => (await ask()).cards[0]!.gpu!.percent! > 0);
    // A card may have been asked for while the model was still being loaded.
    await until("all of the model is there", async () => ((await ask()).cards[0]!.processes[0]?.gpu_bytes ?? 0) > 13e9);
    const [busy] = (await ask()).cards;
    expect(busy!.memory!.available_bytes).toBeLessThan(idle!.memory!.available_bytes);
    await until("the processors are at work", async () => ((await ask()).cards[0]!.cpu.percent ?? 0) > 15);
    const points = (await ask()).cards[0]!.history!.gpu_percent.filter((value) => value !== null);
    expect(points.length).toBeGreaterThan(0);
  });

  test("keep what was seen of a Spark that is gone, and say why it is not new", async () => {
    demo = await startDemo({ machineTiming: MACHINE });
    const before = (await ask()).cards[1]!;
    demo.cluster.nodes[1]!.network.set("down");

    await until("the problem is shown", async () => (await ask()).cards[1]!.problem !== null);
    const { problem, memory } = (await ask()).cards[1]!;
    expect(problem).toContain("spark-2");
    expect(memory).toEqual(before.memory);
  });

  test("have a gap where the driver fails", async () => {
    demo = await startDemo({ machineTiming: MACHINE });
    demo.cluster.inject({ kind: "gpu_missing", node: "spark-1" });

    const [card] = (await ask()).cards;
    expect(card).toMatchObject({ gpu: null, problem: null, cpu: { cores: 20 } });
  });

  test("come with the line to paste and with whether the first Spark reaches the other", async () => {
    demo = await startDemo({ machineTiming: MACHINE });
    const { public_key, authorize_line } = await ask();
    expect(authorize_line).toContain(public_key);
    await demo.plane.machines.logins.settled();

    expect((await ask()).logins).toMatchObject([{ from: "spark-1", to: "spark-2", state: "ok" }]);
  });

  test("a refused login is told with what to do", async () => {
    demo = await startDemo({ machineTiming: MACHINE });
    demo.cluster.inject({ kind: "worker_ssh_denied", node: "spark-2" });
    await ask();
    await demo.plane.machines.logins.settled();

    expect((await ask()).logins).toMatchObject([{ state: "failed", fix: { where: "spark-1" } }]);
  });
});

describe("the looks", () => {
  /** A cluster of two whose Sparks count how often they are asked. */
  function looking(over: Partial<HardwareOptions> = {}) {
    const asked: string[] = [];
    let now = Date.UTC(2026, 0, 31);
    const hardware = new Hardware({
      intervalMs: 20,
      lingerMs: 60_000,
      topology: () => aTopology({ nodes: [aNode("spark-1"), aNode("spark-2")] }),
      now: () => now,
      ask: async ({ name }) => {
        asked.push(name);
        return GB10;
      },
      onLooked: () => undefined,
      report: (error) => {
        throw error;
      },
      ...over,
    });
    return { hardware, asked, pass: (ms: number) => (now += ms) };
  }

  test("do not begin before somebody looks", async () => {
    const { hardware, asked } = looking();
    await Bun.sleep(80);

    expect(asked).toEqual([]);
    await hardware.close();
  });

  test("go on while a stream is open, and end a while after the last has gone", async () => {
    const { hardware, asked, pass } = looking();
    const [one, other] = [hardware.watch(), hardware.watch()];
    await until("there were looks", () => asked.length > 6);
    one();
    one();
    expect(hardware.isWatched).toBe(true);
    other();
    expect(hardware.isWatched).toBe(true);
    pass(60_001);
    expect(hardware.isWatched).toBe(false);

    const quiet = async () => {
      const before = asked.length;
      await Bun.sleep(100);
      return asked.length === before;
    };
    await until("the looks have ended", quiet);
    await hardware.viewed();
    await until("they go on", async () => !(await quiet()));
    await hardware.close();
  });

  test("the first caller waits for the first cards; nobody waits for a Spark that was asked before", async () => {
    const { hardware } = looking();
    await hardware.viewed();

    expect(hardware.cards().map(({ at }) => at)).not.toContain(null);
    await hardware.close();
  });

  test("a round never overlaps the one before, however slow a Spark is", async () => {
    let running = 0;
    let most = 0;
    const { hardware, asked } = looking({
      ask: async ({ name }) => {
        asked.push(name);
        if (name === "spark-1") most = Math.max(most, ++running);
        await Bun.sleep(name === "spark-1" ? 70 : 1);
        if (name === "spark-1") running -= 1;
        return answersIn([]);
      },
    });
    const gone = hardware.watch();
    await until("there were rounds", () => asked.length > 8);
    gone();

    expect(most).toBe(1);
    await hardware.close();
  });
});

describe("the last hour", () => {
  const card = (percent: number): HardwareCard => ({
    ...emptyCard("spark-1"),
    gpu: {
      name: null,
      driver: null,
      percent,
      celsius: null,
      watts: null,
      power_limit_watts: null,
      sm_mhz: null,
      memory_mhz: null,
      pstate: null,
    },
  });
  const NOW = Date.UTC(2026, 0, 31, 12);

  test("has the mean of each half minute, and gaps where nobody looked", () => {
    const history = new History();
    history.add(NOW - 60_000, card(10));
    history.add(NOW - 45_000, card(30));
    history.add(NOW, card(50));
    const { gpu_percent, gpu_celsius, from, step_seconds } = history.until(NOW, isoTime);

    expect(gpu_percent).toHaveLength(120);
    expect(gpu_percent.slice(-3)).toEqual([20, null, 50]);
    expect(gpu_celsius.every((value) => value === null)).toBe(true);
    expect(Date.parse(from) + 119 * step_seconds * 1000).toBe(NOW);
  });

  test("holds one hour, however long it is used", () => {
    const history = new History();
    for (let at = NOW; at < NOW + 5 * HISTORY_MS; at += 30_000) history.add(at, card((at - NOW) / HISTORY_MS));

    const end = NOW + 5 * HISTORY_MS - 30_000;
    const { gpu_percent } = history.until(end, isoTime);
    expect(gpu_percent).not.toContain(null);
    expect(gpu_percent[0]!).toBeGreaterThanOrEqual(4);
    expect(history.until(end + HISTORY_MS, isoTime).gpu_percent.every((value) => value === null)).toBe(true);
  });
});
