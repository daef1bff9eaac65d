/** Real swaps on the simulated cluster: over SSH and HTTP, through the API. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { HostKeyStatus } from "../../lib/host-keys.ts";
import type { Plan, SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
afterEach(() => demo?.close());

async function begin(options?: DemoOptions): Promise<Demo> {
  demo = await startDemo(options);
  return demo;
}

const lines = (job: SwapJob) => demo.plane.swapLog.read(job.job_id, 0, 10_000);
/** The servers themselves, not the `docker exec` of the launcher that started them. */
const runningVllm = () =>
  demo.cluster.nodes.flatMap((node) =>
    node
      .vllmProcesses()
      .filter(({ argv }) => argv[0]?.endsWith("python3"))
      .map(({ argv }) => argv.join(" ")),
  );

describe("a swap", () => {
  for (const launchScript of ["old", "new"] as const)
    test(`solo, then across both Sparks, then back (${launchScript} launch script)`, async () => {
      await begin({ launchScript });

      const solo = await demo.swap("gpt-oss-20b");
      expect(solo).toMatchObject({ state: "ready", failure: null, nodes: ["spark-1"] });
      expect(lines(solo).some(({ line }) => line.includes("Application startup complete"))).toBe(true);

      const both = await demo.swap("glm-4.5-air");
      expect(both).toMatchObject({
        state: "ready",
        failure: null,
        previous_model: "gpt-oss-20b",
        nodes: ["spark-1", "spark-2"],
      });
      expect(lines(both).some(({ line }) => line.includes("Application startup complete"))).toBe(true);

      const back = await demo.swap("gpt-oss-20b");
      expect(back).toMatchObject({ state: "ready", failure: null, previous_model: "glm-4.5-air" });
      const { slots } = (await (await fetch(`${demo.url}/api/status`)).json()) as {
        slots: { model: string; state: string }[];
      };
      expect(slots).toMatchObject([{ state: "serving", model: "gpt-oss-20b" }]);
      expect(demo.cluster.nodes[1]?.vllmProcesses()).toEqual([]);
    });

  test("the log's lines are numbered without a gap", async () => {
    await begin();
    const job = await demo.swap("gpt-oss-20b");
    expect(lines(job).map(({ seq }) => seq)).toEqual(lines(job).map((_, index) => index + 1));
  });

  test("of two hundred at once exactly one is accepted, the others are told its id", async () => {
    await begin({ speed: 50 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => demo.post("/api/swap", { model: "gpt-oss-20b" })),
    );
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { job_id: string }[];
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status === 409);
    expect([accepted.length, refused.length]).toEqual([1, 199]);
    expect(new Set(bodies.map(({ job_id }) => job_id)).size).toBe(1);
  });

  test("is adopted after a restart of the controller in mid-load, and no second vLLM starts", async () => {
    await begin({ speed: 20 });
    const answer = await demo.post("/api/swap", { model: "gpt-oss-20b" });
    const { job_id } = (await answer.json()) as SwapJob;
    await demo.cluster.until(() => runningVllm().length > 0, 10_000);
    await demo.restart();
    const job = await demo.plane.swaps.settled(job_id);
    expect(job).toMatchObject({ state: "ready", job_id });
    expect(runningVllm()).toEqual([expect.stringContaining("gpt-oss-20b")]);
  });

  test("cancelled while loading goes back to the previous model", async () => {
    await begin({ speed: 100 });
    await demo.swap("gpt-oss-20b");
    const answer = await demo.post("/api/swap", { model: "gpt-oss-120b" });
    const { job_id } = (await answer.json()) as SwapJob;
    const settled = demo.plane.swaps.settled(job_id);
    await demo.cluster.until(() => runningVllm().some((line) => line.includes("120b")), 10_000);
    const cancelled = await fetch(`${demo.url}/api/swap/${job_id}`, { method: "DELETE" });
    expect(cancelled.status).toBe(202);
    expect(await settled).toMatchObject({ state: "cancelled", reason: "Cancelled.", rolled_back_to: "gpt-oss-20b" });
  });
});

describe("with a slot on each Spark and one across both", () => {
  const slots = (yaml: string) => {
    const port = /port: (\d+)\s+container: vllm_node/.exec(yaml)?.[1];
    const one = (name: string, nodes: string) =>
      `  - { name: ${name}, nodes: [${nodes}], port: ${port}, container: vllm_node }\n`;
    const all = one("left", "spark-1") + one("right", "spark-2") + one("both", "spark-1, spark-2");
    return `${yaml.replace(/^slots:[\s\S]*?(?=^\S|$(?![\s\S]))/m, "")}\nslots:\n${all}`;
  };

  test("two models are loaded side by side; one across both stops both; one of them again stops that", async () => {
    await begin({ topology: slots });

    const [left, right] = await Promise.all([
      demo.swap("gpt-oss-20b", { slot: "left" }),
      demo.swap("qwen3-30b-a3b", { slot: "right" }),
    ]);
    expect([left.failure, right.failure]).toEqual([null, null]);
    expect(runningVllm()).toHaveLength(2);

    const plan = (await (await demo.post("/api/swap/plan", { model: "glm-4.5-air", slot: "both" })).json()) as Plan;
    expect(plan.stops.map(({ slot, model }) => [slot, model])).toEqual([
      ["left", "gpt-oss-20b"],
      ["right", "qwen3-30b-a3b"],
    ]);
    const both = await demo.swap("glm-4.5-air", { slot: "both" });
    expect(both).toMatchObject({ state: "ready", failure: null });
    expect(demo.plane.slots.statuses().map(({ name, model }) => [name, model])).toEqual([
      ["left", null],
      ["right", null],
      ["both", "glm-4.5-air"],
    ]);

    expect(await demo.swap("gpt-oss-20b", { slot: "left" })).toMatchObject({ state: "ready", failure: null });
    expect(demo.plane.swaps.beliefs().map(({ slot }) => slot)).toEqual(["left"]);
    await until("nothing is left on spark-2", () => demo.cluster.nodes[1]?.vllmProcesses().length === 0);
  });
});

describe("with a Spark switched off that the model does not need", () => {
  test("the plan warns, and the swap works", async () => {
    await begin();
    demo.cluster.inject({ kind: "ssh_refused", node: "spark-2" });
    await demo.restart();
    const plan = (await (await demo.post("/api/swap/plan", { model: "gpt-oss-20b" })).json()) as Plan;
    expect(plan.blockers).toEqual([]);
    expect(plan.warnings).toMatchObject([{ code: "node_unreachable" }]);
    expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready", failure: null });
  });
});

describe("a Spark that was reinstalled", () => {
  test("is refused until its new key is accepted by its fingerprint", async () => {
    await begin();
    await until("the first look at the Sparks", () => demo.plane.slots.node("spark-2") !== undefined);
    demo.cluster.inject({ kind: "host_key_changed", node: "spark-1" });
    await demo.restart();
    expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "failed", failure: { code: "ssh_host_key" } });

    const { host_keys } = (await (await fetch(`${demo.url}/api/host-keys`)).json()) as { host_keys: HostKeyStatus[] };
    const shown = host_keys[0]?.refused_fingerprint;
    expect(shown).toBe(demo.cluster.nodes[0]?.hostKey.fingerprint ?? null);
    const other = await demo.post("/api/host-keys/spark-1/accept", { fingerprint: `SHA256:${"A".repeat(43)}` });
    expect(other.status).toBe(409);
    const accepted = await demo.post("/api/host-keys/spark-1/accept", { fingerprint: shown });
    expect(await accepted.json()).toMatchObject({ node: "spark-1", fingerprint: shown, refused_fingerprint: null });
    expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready", failure: null });
  });
});

describe("Sparks that another controller used", () => {
  test("are refused before anything is touched, until they are taken over; then the other one is refused", async () => {
    await begin();
    expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
    const first = demo.plane.instance;
    await demo.startAfresh();

    const refused = await demo.swap("gpt-oss-120b");
    expect(refused).toMatchObject({ state: "failed", failure: { code: "other_controller" } });
    expect(refused.failure?.evidence).toContain(first);
    expect(runningVllm()).toEqual([expect.stringContaining("gpt-oss-20b")]);

    const wrong = await demo.post("/api/nodes/spark-1/take-over", { instance: demo.plane.instance.replace(/./g, "0") });
    expect(wrong.status).toBe(409);
    const taken = await demo.post("/api/nodes/spark-1/take-over", { instance: first });
    expect(await taken.json()).toEqual({ node: "spark-1", instance: demo.plane.instance });
    const swapped = await demo.swap("gpt-oss-120b");
    expect(swapped).toMatchObject({ state: "ready", failure: null });
    expect(swapped.generation).toBeGreaterThan(1);
  });
});

describe("a topology file that is broken in mid-load", () => {
  test("does not end the swap: it was frozen at its claim", async () => {
    await begin({ speed: 30 });
    const { job_id } = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as SwapJob;
    await demo.cluster.until(() => runningVllm().length > 0, 10_000);

    await Bun.write(`${demo.dataDir}/topology.yaml`, "nodes: [");
    await until("the file was read", () => demo.plane.config.current.problems.length > 0);

    expect(await demo.plane.swaps.settled(job_id)).toMatchObject({ state: "ready", failure: null });
  });
});

describe("a Spark that goes silent in mid-load", () => {
  test("is waited for: the load goes on and becomes ready when it is back", async () => {
    await begin({ speed: 30 });
    const { job_id } = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as SwapJob;
    await demo.cluster.until(() => runningVllm().length > 0, 10_000);

    demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-1" });
    await until("the controller notices", () =>
      lines(demo.plane.swaps.get(job_id)).some(({ line }) => line.includes("Looking again")),
    );
    demo.cluster.clear();

    expect(await demo.plane.swaps.settled(job_id)).toMatchObject({ state: "ready", failure: null });
    expect(runningVllm()).toHaveLength(1);
  });
});

describe("a dry run", () => {
  test("answers with the plan and touches nothing", async () => {
    await begin();
    const answer = await demo.post("/api/swap", { model: "gpt-oss-120b", dry_run: true });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ dry_run: true, plan: { fits: true, stops: [], blockers: [] } });
    expect(demo.plane.swaps.list()).toEqual([]);
  });
});

describe("the pre-flight", () => {
  test("accepts a model of the catalog and says what vLLM says against a wrong argument", async () => {
    await begin({
      files: {
        "models-overrides.yaml":
          "models:\n  odd:\n    repo: acme/odd\n    nodes: 1\n    gpu_memory_utilization: 0.5\n    args: [--frobnicate, '3']\n",
      },
    });
    const good = await demo.post("/api/swap/gpt-oss-20b/validate", {});
    expect(await good.json()).toEqual({ valid: true, message: null });
    const bad = await demo.post("/api/swap/odd/validate", {});
    expect(await bad.json()).toMatchObject({
      valid: false,
      message: expect.stringContaining("unrecognized arguments: --frobnicate"),
    });
  });
});
