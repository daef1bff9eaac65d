/** Swaps while the SSH connection to the head is cut, silent, half-open or slow: real SSH, through a proxy that fails on command. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { LogLines } from "../../lib/swap/log-lines.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { type Endpoint, type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

/** A load of the small model then takes about 5 s. */
const SPEED = 20;
const MODEL = "gpt-oss-20b";
const OLD_MODEL = "qwen3-30b-a3b";
/**
 * Short, so that a silent line is given up soon; the product's are 5 s × 3 and 10 s. Both ends of the handshake are in this
 * process: on a busy machine it takes a second.
 */
const SSH = { keepaliveIntervalMs: 250, keepaliveCountMax: 3, readyTimeoutMs: 2_500 };
const TIMING = { followMs: 40 };
/** What a question that is under way may take until the silence counts, twice (load and clean-up), on a busy machine. */
const GIVE_UP_MS = 25_000;

let demo: Demo;
let proxy: FaultProxy;
afterEach(async () => {
  proxy?.pass();
  await demo?.close();
  proxy?.close();
  await until("no connection is left", () => (proxy?.open ?? 0) === 0);
});

/** A cluster of which the head's SSH leads through the proxy. HTTP goes straight to it. */
async function begin(options: DemoOptions = {}): Promise<void> {
  let head: Endpoint | undefined;
  proxy = await startFaultProxy({
    target: () => {
      if (!head) throw new Error("the head is not known yet");
      return head;
    },
  });
  demo = await startDemo({
    speed: SPEED,
    ssh: SSH,
    timing: TIMING,
    topology: (yaml) =>
      yaml.replace(/host: "([^"]+)"(\s+user: \S+\s+)ssh_port: (\d+)/, (_all, host: string, between, port) => {
        head = { host, port: Number(port) };
        return `host: "${proxy.host}"${between}ssh_port: ${proxy.port}`;
      }),
    ...options,
  });
  await until("the head is connected", () => proxy.open === 1);
}

async function post(model: string): Promise<SwapJob> {
  const answer = await demo.post("/api/swap", { model });
  expect(answer.status).toBe(202);
  return (await answer.json()) as SwapJob;
}

const lines = (job: SwapJob) => demo.plane.swapLog.read(job.job_id, 0, 100_000);
const says = (job: SwapJob, text: string) => lines(job).some(({ line }) => line.includes(text));
const inMidLoad = (job: SwapJob) => until("vLLM starts", () => says(job, "Starting to load model"), 60_000);

/** The servers themselves, not the `docker exec` of the launcher that started them. */
const runningVllm = () =>
  demo.cluster.nodes.flatMap((node) =>
    node
      .vllmProcesses()
      .filter(({ argv }) => argv[0]?.endsWith("python3"))
      .map(({ argv }) => argv.join(" ")),
  );

/** What the job has as the launch's log, and what lies on the Spark: the same lines, up to the last one that was read. */
function expectNoGap(job: SwapJob): void {
  const kept = lines(job);
  expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => index + 1));
  const launch = demo.cluster.nodes[0]?.jobs.newestFirst().find(({ id }) => !id.endsWith("-log"));
  const truth = new LogLines()
    .push(launch?.log.slice(0, launch.log.size) ?? new Uint8Array())
    .flatMap(({ text, final }) => (final ? [text] : []));
  const read = kept.filter(({ source }) => source === "launch").map(({ line }) => line);
  expect(read).toEqual(truth.slice(0, read.length));
  expect(read.length).toBeGreaterThan(0);
}

async function expectReady(job: SwapJob, model = MODEL): Promise<void> {
  expect(await demo.plane.swaps.settled(job.job_id)).toMatchObject({ state: "ready", failure: null });
  expect(runningVllm()).toEqual([expect.stringContaining(model)]);
  expectNoGap(job);
  expect(says(job, "Application startup complete")).toBe(true);
}

const BLACK_HOLE = { name: "in a black hole", begin: () => proxy.blackHole() };
const NO_QUESTIONS = { name: "half-open, nothing reaching the head", begin: () => proxy.halfOpen("to_server") };
const NO_ANSWERS = { name: "half-open, nothing coming from the head", begin: () => proxy.halfOpen("to_client") };

/** Long enough that the controller gives the connection up and tries another, which is not answered either. */
async function silentUntilGivenUp(begin: () => void): Promise<void> {
  const { accepted } = proxy;
  begin();
  await until("the connection is given up", () => proxy.accepted > accepted);
  proxy.pass();
}

describe("in mid-load, the connection to the head", () => {
  for (const how of ["reset", "end"] as const)
    test(`cut ten times (${how}): the load goes on, the log is whole`, async () => {
      await begin();
      const job = await post(MODEL);
      await inMidLoad(job);
      for (let cut = 0; cut < 10; cut += 1) {
        const { accepted } = proxy;
        proxy.cut(how);
        await until("it is connected anew", () => proxy.accepted > accepted && proxy.open === 1);
      }
      await expectReady(job);
    });

  for (const silence of [BLACK_HOLE, NO_QUESTIONS, NO_ANSWERS])
    test(`${silence.name} until it is given up: the load goes on once it is back, the log is whole`, async () => {
      await begin();
      const job = await post(MODEL);
      await inMidLoad(job);
      await silentUntilGivenUp(silence.begin);
      await expectReady(job);
    });

  test("refused for longer than one command waits: the load goes on, the log is whole", async () => {
    await begin({ speed: 8 });
    const job = await post(MODEL);
    await inMidLoad(job);
    proxy.refuse();
    proxy.cut("reset");
    await until("the controller says so", () => says(job, "Looking again"), 30_000);
    await proxy.accept();
    await expectReady(job);
  });

  test("silent when the model answers: the model counts, and the log says that its end is missing", async () => {
    await begin();
    const job = await post(MODEL);
    await inMidLoad(job);
    proxy.blackHole();
    expect(await demo.plane.swaps.settled(job.job_id)).toMatchObject({ state: "ready", failure: null });
    expect(says(job, "The end of the log could not be read")).toBe(true);
    expectNoGap(job);
  });

  test("silent for ever: the job says so within the stated time, and is told how it ended once the head is back", async () => {
    const contactDeadlineMs = 3_000;
    await begin({ timing: { ...TIMING, contactDeadlineMs } });
    demo.cluster.inject({ kind: "progress_stuck", percent: 50 });
    const job = await post(MODEL);
    await inMidLoad(job);
    const silentAt = performance.now();
    proxy.blackHole();
    const lost = await demo.plane.swaps.settled(job.job_id);
    expect(lost).toMatchObject({
      state: "unknown",
      failure: { code: expect.stringMatching(/^ssh_(network|unknown)$/) },
    });
    expect(lost.reason).toContain("spark-1");
    expect(performance.now() - silentAt).toBeLessThan(contactDeadlineMs + GIVE_UP_MS);

    proxy.pass();
    demo.plane.swaps.resolveUnknown();
    await until("it has ended", () => demo.plane.swaps.get(job.job_id).state === "failed", 30_000);
    expect(demo.plane.swaps.get(job.job_id).reason).toBe(lost.reason);
    expect(runningVllm()).toEqual([]);
  });

  test("slow: the load goes on, the log is whole", async () => {
    await begin();
    const job = await post(MODEL);
    await inMidLoad(job);
    proxy.slow({ bytesPerSecond: 20_000, delayMs: 50 });
    await expectReady(job);
  });
});

describe("a swap from one model to another", () => {
  test("whose connection to the head is cut at every step becomes ready, and only the new model runs", async () => {
    await begin({ speed: 30 });
    expect(await demo.swap(OLD_MODEL)).toMatchObject({ state: "ready" });
    const steps = new Set<string>();
    // Published before the work of the step begins, so that this work meets the cut.
    demo.plane.events.subscribe(
      ({ job }) => {
        const step = `${job.state} ${job.phase}`;
        if (job.state === "ready" || steps.has(step)) return;
        steps.add(step);
        proxy.cut("reset");
      },
      ["swap.changed"],
    );
    const job = await post(MODEL);
    await expectReady(job);
    const states = new Set([...steps].map((step) => step.split(" ")[0]));
    expect([...states]).toEqual(["planned", "draining", "stopping", "launching", "loading", "verifying"]);
  });

  for (const state of ["stopping", "launching"] as const)
    for (const silence of [BLACK_HOLE, NO_ANSWERS])
      test(`whose connection is ${silence.name} while ${state}, until it is given up, becomes ready`, async () => {
        await begin({ speed: 30 });
        expect(await demo.swap(OLD_MODEL)).toMatchObject({ state: "ready" });
        const began = Promise.withResolvers<void>();
        demo.plane.events.subscribe(
          ({ job }) => {
            if (job.state === state) began.resolve();
          },
          ["swap.changed"],
        );
        const job = await post(MODEL);
        await began.promise;
        await silentUntilGivenUp(silence.begin);
        await expectReady(job);
      });
});
