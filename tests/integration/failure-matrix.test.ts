/**
 * Every failure that the field has seen, on the simulated cluster: the right state, a reason that quotes the evidence, the
 * model before restored or untouched, and nothing half running on the hosts.
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SimulatedFault } from "../../lib/simulator/faults.ts";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import type { Plan, SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(90_000);

const BEFORE = "qwen3-30b-a3b";
const SOLO = "gpt-oss-20b";
const BOTH = "glm-4.5-air";
/** A silent line is given up soon, and what does not stop is not waited for. */
const IMPATIENT: DemoOptions = {
  ssh: { keepaliveIntervalMs: 250, keepaliveCountMax: 3, readyTimeoutMs: 2_500 },
  timing: { stopDeadlineMs: 3_000 },
};

const SETTLE_LOOK_MS = 100;

let demo: Demo;
afterEach(() => demo?.close());

async function begin(options: DemoOptions = {}): Promise<void> {
  demo = await startDemo({ ...IMPATIENT, ...options });
  await until("the first look at the Sparks", () => demo.plane.slots.node("spark-2") !== undefined);
}

/** What has to do with models in the process tables of the hosts: servers, launchers, keepers of logs. */
const processes = () =>
  demo.cluster.nodes.flatMap((node) =>
    node.processes
      .all()
      .map(({ argv }) => `${node.name}: ${argv.join(" ")}`)
      .filter((line) => /vllm/i.test(line))
      .sort(),
  );
const slot = () => demo.plane.slots.statuses()[0]!;

async function showsSlot(expected: Partial<SlotStatus>): Promise<void> {
  await demo.plane.slots.lookAtSlots();
  expect(slot()).toMatchObject(expected);
}

interface Case {
  readonly fault: SimulatedFault;
  readonly code: string | RegExp;
  readonly evidence: RegExp;
  /** Default: the small one, on the head. */
  readonly model?: string;
}

function expectReason(job: SwapJob, { code, evidence }: Case): void {
  expect(job.state).toBe("failed");
  expect(job.failure?.code).toMatch(code);
  expect(job.failure?.evidence ?? "").toMatch(evidence);
  expect(job.reason).toBe(job.failure?.message ?? null);
  expect(job.reason?.length).toBeGreaterThan(10);
  expect(job.failure?.advice?.length ?? 0).toBeGreaterThan(10);
}

/** The return to the model before is a part of its own in the job's history, after the failed load's clean-up. */
function expectWayBack(job: SwapJob): void {
  expect(job.rolled_back_to).toBe(BEFORE);
  const names = job.phases.map(({ name }) => name);
  expect(names.findIndex((name) => name.startsWith("rollback_"))).toBe(names.indexOf("cleaning_up") + 1);
  expect(names).toContain("cleaning_up");
}

const named = (cases: readonly Case[]) =>
  cases.map((one) => [`${JSON.stringify(one.fault)} → ${one.code}`, one] as const);

describe("a swap that fails once the model before was stopped goes back to it", () => {
  const cases: readonly Case[] = [
    {
      fault: { kind: "out_of_memory", variant: "allocation", times: 1 },
      code: "out_of_memory",
      evidence: /OutOfMemoryError/,
    },
    {
      fault: { kind: "out_of_memory", variant: "free_memory", times: 1 },
      code: "out_of_memory",
      evidence: /less than desired GPU memory utilization/,
    },
    { fault: { kind: "engine_core_failed", times: 1 }, code: "engine_failed", evidence: /EngineCore|Engine core/ },
    {
      fault: { kind: "launch_exits_zero", times: 1 },
      code: "nothing_running",
      evidence: /exit code 0, and docker top shows no vLLM/,
    },
    {
      fault: { kind: "killed_silently", times: 1 },
      code: /launch_failed|model_killed|model_died/,
      evidence: /exit code 137 \(SIGKILL\)|shows no vLLM/,
    },
    {
      fault: { kind: "worker_ssh_denied", times: 1 },
      code: "worker_refused",
      evidence: /Permission denied|Passwordless SSH/,
      model: BOTH,
    },
    {
      fault: { kind: "reboot", node: "spark-1", downSeconds: 300, at: { weightsPercent: 50 }, times: 1 },
      code: "host_rebooted",
      evidence: /spark-1: another boot id/,
    },
  ];

  test.each(named(cases))("%s", async (_name, one) => {
    await begin();
    expect(await demo.swap(BEFORE)).toMatchObject({ state: "ready", failure: null });
    const before = processes();
    demo.cluster.inject(one.fault);

    const job = await demo.swap(one.model ?? SOLO);

    expectReason(job, one);
    expectWayBack(job);
    await until("the hosts are as before", () => processes().join("\n") === before.join("\n"));
    await showsSlot({ state: "serving", model: BEFORE });
  });
});

describe("a swap that cannot work touches nothing", () => {
  const cases: readonly Case[] = [
    {
      fault: { kind: "launch_script_missing" },
      code: "launch_script_missing",
      evidence: /launch-cluster\.sh does not exist/,
    },
    {
      fault: { kind: "image_missing", node: "spark-2" },
      code: "image_missing",
      evidence: /spark-2: docker image inspect vllm-node finds nothing/,
      model: BOTH,
    },
    { fault: { kind: "disk_full", node: "spark-1" }, code: "disk_full", evidence: /spark-1: df -Pk ~ shows 0 KiB/ },
    { fault: { kind: "ssh_refused", node: "spark-1" }, code: "ssh_network", evidence: /ECONNREFUSED/ },
    {
      fault: { kind: "key_refused", node: "spark-1" },
      code: "ssh_key_refused",
      evidence: /authentication methods failed/,
    },
    { fault: { kind: "host_key_changed", node: "spark-1" }, code: "ssh_host_key", evidence: /SHA256:/ },
  ];

  test.each(named(cases))("%s", async (_name, one) => {
    await begin();
    expect(await demo.swap(BEFORE)).toMatchObject({ state: "ready" });
    const before = processes();
    demo.cluster.inject(one.fault);
    // A connection that is open already does not notice that the door is now shut.
    await demo.restart();

    const job = await demo.swap(one.model ?? SOLO);

    expectReason(job, one);
    expect(job.phases.map(({ name }) => name)).toEqual(["planned", "checking"]);
    expect(processes()).toEqual(before);
    await showsSlot({ state: "serving", model: BEFORE });
  });

  const inTheWay: readonly Case[] = [
    { fault: { kind: "port_taken" }, code: "port_taken", evidence: /listener on port \d+/ },
    {
      fault: { kind: "container_name_taken" },
      code: "container_name_taken",
      evidence: /docker inspect vllm_node shows image nginx/,
    },
  ];
  test.each(named(inTheWay))("%s", async (_name, one) => {
    await begin();
    demo.cluster.inject(one.fault);

    const job = await demo.swap(SOLO);

    expectReason(job, one);
    expect(processes()).toEqual([]);
  });
});

test("a load that is stuck is given up after stall_seconds, and the model before is back", async () => {
  await begin({ topology: (yaml) => `${yaml}\nsettings:\n  stall_seconds: 30\n` });
  await demo.swap(BEFORE);
  const before = processes();
  demo.cluster.inject({ kind: "progress_stuck", percent: 40, times: 1 });

  const job = await demo.swap(SOLO);

  expectReason(job, {
    fault: { kind: "progress_stuck", percent: 40 },
    code: "stalled",
    evidence: /last line: .*Starting to load model/,
  });
  expectWayBack(job);
  await until("the hosts are as before", () => processes().join("\n") === before.join("\n"));
});

test("a host whose packets vanish in mid-load is waited for; the load goes on and becomes ready", async () => {
  await begin({ speed: 30 });
  demo.cluster.inject({ kind: "unreachable", how: "silent", node: "spark-1", at: { weightsPercent: 30 }, times: 1 });
  const answer = await demo.post("/api/swap", { model: SOLO });
  const { job_id } = (await answer.json()) as SwapJob;
  const settled = demo.plane.swaps.settled(job_id);
  await until(
    "the controller notices",
    () => demo.plane.swapLog.read(job_id, 0, 10_000).some(({ line }) => line.includes("Looking again")),
    40_000,
  );
  demo.cluster.clear();

  expect(await settled).toMatchObject({ state: "ready", failure: null });
  expect(processes().filter((line) => line.includes("python3"))).toEqual([expect.stringContaining("gpt-oss-20b")]);
});

test("a worker that restarts in mid-load fails the load; once it is back nothing is left, and the model before serves", async () => {
  await begin();
  await demo.swap(BEFORE);
  const before = processes();
  demo.cluster.inject({ kind: "reboot", node: "spark-2", downSeconds: 300, at: { weightsPercent: 50 }, times: 1 });

  const { job_id } = await demo.swap(BOTH);
  // While the worker is away nobody knows what is left on it: the end is unknown until it can be looked at.
  await until("the end is known", () => demo.plane.swaps.get(job_id).state === "failed", 60_000);

  const job = demo.plane.swaps.get(job_id);
  expectReason(job, {
    fault: { kind: "reboot" },
    code: /host_rebooted|engine_failed|launch_failed|model_died/,
    // Whichever is seen first: the worker's new boot, or what the head says of its lost rank.
    evidence: /spark-2|boot|EngineCore|rank|connection/i,
  });
  expectWayBack(job);
  await until("the hosts are as before", () => processes().join("\n") === before.join("\n"));
});

describe("what ends between its first answer and its chat is not waited for, and the model before is back", () => {
  const cases: readonly (readonly [string, () => void, Pick<Case, "code" | "evidence">])[] = [
    [
      "its engine",
      () => {
        for (const each of demo.cluster.nodes[0]?.processes.all() ?? [])
          if (each.argv[0] === "VLLM::EngineCore") each.kill();
      },
      { code: "engine_failed", evidence: /Engine core initialization failed/ },
    ],
    [
      "its Spark, which restarts",
      () => demo.cluster.inject({ kind: "reboot", node: "spark-1", downSeconds: 300, times: 1 }),
      { code: "host_rebooted", evidence: /spark-1: another boot id/ },
    ],
  ];

  test.each(cases)("%s", async (_what, end, reason) => {
    await begin();
    await demo.swap(BEFORE);
    const before = processes();
    let hasEnded = false;
    demo.plane.events.subscribe(
      ({ job }) => {
        if (hasEnded || job.state !== "verifying") return;
        hasEnded = true;
        end();
      },
      ["swap.changed"],
    );

    const job = await demo.swap(SOLO);

    expectReason(job, { fault: { kind: "reboot" }, ...reason });
    expectWayBack(job);
    expect(job.phases.map(({ name }) => name)).toContain("verifying");
    // The deadline of a verification is two minutes.
    expect(Date.parse(job.ended_at ?? "") - Date.parse(job.created_at)).toBeLessThan(60_000);
    const launch = demo.plane.swapLog.read(job.job_id, 0, 100_000).filter(({ source }) => source === "launch");
    if (reason.code === "engine_failed") expect(launch.map(({ line }) => line)).toContain(job.failure?.evidence ?? "");
    await until("the hosts are as before", () => processes().join("\n") === before.join("\n"));
  });
});

test("the disk of a Spark becomes full in mid-load: unknown, and why; with room again the model before is back", async () => {
  await begin();
  await demo.swap(BEFORE);
  const before = processes();
  demo.cluster.inject({ kind: "disk_full", node: "spark-1", at: { weightsPercent: 30 } });
  demo.cluster.inject({ kind: "engine_core_failed", at: { weightsPercent: 60 }, times: 1 });

  const { job_id, ...lost } = await demo.swap(SOLO);

  const reasons = /^vLLM's engine failed while it started\. The disk of a Spark is full\.$/;
  expect(lost).toMatchObject({ state: "unknown", failure: { code: "engine_failed" } });
  expect(lost.reason).toMatch(reasons);
  expect(lost.failure?.evidence).toMatch(/EngineCore.*; .*No space left on device/s);
  const lookAgain = () => {
    demo.plane.swaps.resolveUnknown();
    return demo.plane.swaps.settled(job_id);
  };
  expect((await lookAgain()).reason).toMatch(reasons);
  demo.cluster.clear();
  const job = await lookAgain();

  expectReason(job, { fault: { kind: "disk_full" }, code: "engine_failed", evidence: /^[^;]*EngineCore[^;]*$/ });
  expect(job.reason).not.toContain("disk");
  expect(job.rolled_back_to).toBe(BEFORE);
  await until("the hosts are as before", () => processes().join("\n") === before.join("\n"));
});

test("the plan says whether it goes back; a swap that is asked not to leaves the slot empty", async () => {
  await begin();
  await demo.swap(BEFORE);
  const planOf = async (wish: object) =>
    (await (await demo.post("/api/swap/plan", { model: SOLO, ...wish })).json()) as Plan;
  const usual = await planOf({});
  expect(usual.rollback_to).toBe(BEFORE);
  expect(usual.summary).toContainEqual(expect.stringMatching(/^If it fails, .+ is loaded again\.$/));
  const oneWay = await planOf({ rollback: false });
  expect(oneWay.rollback_to).toBeNull();
  expect(oneWay.summary.join(" ")).not.toContain("is loaded again");
  const fault: SimulatedFault = { kind: "out_of_memory", variant: "allocation", times: 1 };
  demo.cluster.inject(fault);

  const job = await demo.swap(SOLO, { rollback: false });

  expectReason(job, { fault, code: "out_of_memory", evidence: /OutOfMemoryError/ });
  expect(job).toMatchObject({ rolled_back_to: null, rollback_failure: null });
  expect(job.phases.map(({ name }) => name).filter((name) => name.startsWith("rollback_"))).toEqual([]);
  expect(processes()).toEqual([]);
  await showsSlot({ state: "idle", model: null });
});

test("when the way back fails too, both reasons are told, and nothing is left running", async () => {
  await begin();
  await demo.swap(BEFORE);
  demo.cluster.inject({ kind: "engine_core_failed", times: 1 });
  demo.cluster.inject({ kind: "out_of_memory", times: 1 });

  const job = await demo.swap(SOLO);

  expect(job).toMatchObject({ state: "failed", rolled_back_to: null });
  expect([job.failure?.code, job.rollback_failure?.code].sort()).toEqual(["engine_failed", "out_of_memory"]);
  expect(job.rollback_failure?.evidence).toMatch(/\w/);
  expect(processes()).toEqual([]);
  await showsSlot({ state: "idle", model: null });
});

test("a model that dies right after it was ready is shown as not answering, and the next swap works", async () => {
  await begin();
  demo.cluster.inject({ kind: "dies_after_ready", seconds: 900, times: 1 });
  expect(await demo.swap(BEFORE)).toMatchObject({ state: "ready", failure: null });
  await until("it is gone", () => processes().length === 0, 30_000);

  await showsSlot({ state: "not_answering", model: BEFORE, served_ids: [], by_hand: false });

  expect(await demo.swap(SOLO)).toMatchObject({ state: "ready", failure: null });
  await showsSlot({ state: "serving", model: SOLO });
});

test("a model that dies right after it was ready: the one before is loaded again by a swap that says why", async () => {
  await begin();
  await demo.swap(BEFORE);
  demo.cluster.inject({ kind: "dies_after_ready", seconds: 900, times: 1 });
  const { job_id: id } = await demo.swap(SOLO);
  const job = () => demo.plane.swaps.get(id);
  await until("its death is told", () => job().died != null, 30_000);

  expect(job()).toMatchObject({ state: "ready", failure: null, died: { failure: { code: "died_after_ready" } } });
  expect(job().died?.failure.evidence).toMatch(/last words: .*\w.*; .*on spark-1/);
  expect(job().reason).toMatch(/ended \d+ seconds? after it was ready\..* is loaded again\.$/);
  const restored = await demo.plane.swaps.settled(job().died?.restored_by ?? "");
  expect(restored).toMatchObject({
    state: "ready",
    model: BEFORE,
    restores: { job_id: id },
    requested_by: "Spark Control",
  });
  await showsSlot({ state: "serving", model: BEFORE });
  expect(processes().filter((line) => line.includes("python3"))).toHaveLength(1);
  // The whole of it is in the log of the swap whose model it was.
  const launch = demo.plane.swapLog.read(id, 0, 100_000).filter(({ source }) => source !== "controller");
  expect(launch.map(({ line }) => line)).toContain(
    /last words: (.*?); /.exec(job().died?.failure.evidence ?? "")?.[1] ?? "",
  );
  const swaps = demo.plane.swaps.list().map(({ job_id }) => job_id);
  expect(swaps).toEqual([restored.job_id, id, swaps[2] ?? ""]);
});

test("a model that dies right after it was ready, without a way back: the slot shows its last words", async () => {
  await begin();
  demo.cluster.inject({ kind: "dies_after_ready", seconds: 900, times: 1 });
  const { job_id: id } = await demo.swap(BEFORE);
  await until("the slot says so", () => slot().difference?.code === "died_after_ready", 30_000);

  const { died } = demo.plane.swaps.get(id);
  expect(slot()).toMatchObject({ state: "not_answering", difference: { ...died?.failure, since: died?.at } });
  expect(died?.restored_by).toBeNull();
});

test.each([SOLO, BOTH])(
  "a model (%s) that somebody stops by hand right after it was ready did not die: nothing is loaded in its place",
  async (model) => {
    await begin({ timing: { ...IMPATIENT.timing, settleLookMs: SETTLE_LOOK_MS } });
    await demo.swap(BEFORE);
    const { job_id: id } = await demo.swap(model);
    const [head] = demo.cluster.nodes;
    const container = head?.docker.find("vllm_node");
    if (!container) throw new Error("no container runs on the head");

    await head?.docker.stop(container, 1);
    const lines = () => demo.plane.swapLog.read(id, 0, 100_000).map(({ line }) => line);
    await until("what it left is read", () => lines().includes("Cluster stopped."), 30_000);
    // What is judged of it follows within a look.
    await Bun.sleep(20 * SETTLE_LOOK_MS);
    await demo.plane.slots.lookAtNodes();
    await demo.plane.slots.lookAtNodes();

    expect(demo.plane.swaps.get(id).died).toBeUndefined();
    expect(slot().difference).toMatchObject({ code: "container_gone" });
    expect(demo.plane.swaps.list()).toHaveLength(2);
  },
);

test("what does not stop stays: nothing is launched beside it, and it is still shown as serving", async () => {
  await begin();
  await demo.swap(BEFORE);
  const servers = () => processes().filter((line) => line.includes("python3"));
  const before = servers();
  demo.cluster.inject({ kind: "docker_stop_ineffective" });

  const job = await demo.swap(SOLO);

  expectReason(job, {
    fault: { kind: "docker_stop_ineffective" },
    code: "stop_unverified",
    evidence: /spark-1: container vllm_node is still there/,
  });
  expect(servers()).toEqual(before);
  await showsSlot({ state: "serving", model: BEFORE });
});

test("a clock that is an hour off is told, and the swap works", async () => {
  await begin();
  demo.cluster.inject({ kind: "clock_off", node: "spark-1" });

  const plan = (await (await demo.post("/api/swap/plan", { model: SOLO })).json()) as Plan;

  expect(plan.blockers).toEqual([]);
  expect(plan.warnings).toMatchObject([
    { code: "clock_skew", message: expect.stringMatching(/spark-1 is 3\d{3} s ahead/) },
  ]);
  expect(await demo.swap(SOLO)).toMatchObject({ state: "ready", failure: null });
});
