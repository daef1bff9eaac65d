import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { controlOver, Sparks } from "./_sparks.ts";

const MODEL = "openai/gpt-oss-20b";
const never = new AbortController().signal;
const order = (id: string, argv: readonly [string, ...string[]], generation = 1) => ({
  id,
  generation,
  argv,
  env: { VLLM_SPARK_EXTRA_DOCKER_ARGS: "-e VLLM_USE_V1=1" },
  cwd: "~/spark-vllm-docker",
});

async function faultOf(action: Promise<unknown>): Promise<Fault> {
  const error = await action.then(
    () => new Error("a Fault was expected"),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error;
  throw error;
}

describe("a look", () => {
  test("at an idle Spark shows memory, clock and boot id, and nothing that runs", async () => {
    await using sparks = await Sparks.start();

    const view = await sparks.control.look(sparks.node(0), sparks.place, never);

    expect(view).toMatchObject({ portOpen: false, container: null, vllm: [] });
    expect(view.bootId).toBe(sparks.cluster.nodes[0]!.bootId);
    expect(Math.abs(view.clockSkewSeconds)).toBeLessThan(5);
    expect(view.memory.totalBytes).toBe(125_500_000 * 1024);
    expect(view.memory.availableBytes).toBeLessThan(view.memory.totalBytes);
  });

  test("at one that serves shows container, processes, port and the memory that is gone", async () => {
    await using sparks = await Sparks.start();
    const idle = await sparks.control.look(sparks.node(0), sparks.place, never);
    await sparks.control.startJob(sparks.node(0), order("swap-1", sparks.launchWords(MODEL)), never);
    await sparks.serves();

    const view = await sparks.control.look(sparks.node(0), sparks.place, never);

    expect(view).toMatchObject({ portOpen: true, container: { running: true, image: "vllm-node" } });
    expect(view.vllm[0]).toContain(`vllm serve ${MODEL} --port ${sparks.place.port}`);
    expect(view.strangers).toEqual([]);
    const elsewhere = { container: "other", port: 9000 };
    expect((await sparks.control.look(sparks.node(0), elsewhere, never)).strangers).toMatchObject([
      { model: MODEL, port: sparks.place.port, container: "vllm_node" },
    ]);
    expect(view.memory.availableBytes).toBeLessThan(idle.memory.availableBytes / 2);
  });

  test("tells by how many seconds a clock is off", async () => {
    await using sparks = await Sparks.start();
    sparks.cluster.inject({ kind: "clock_off", node: "spark-2", seconds: 90 });

    const { clockSkewSeconds } = await sparks.control.look(sparks.node(1), sparks.place, never);

    expect(Math.abs(clockSkewSeconds - 90)).toBeLessThan(5);
  });

  test("at a Spark that refuses connections names the node and says why", async () => {
    await using sparks = await Sparks.start();
    sparks.cluster.inject({ kind: "ssh_refused", node: "spark-2" });

    const fault = await faultOf(sparks.control.look(sparks.node(1), sparks.place, never));

    expect(fault).toMatchObject({ kind: "upstream", code: "ssh_network", members: { node: "spark-2" } });
    expect(fault.message).toStartWith("spark-2: ");
  });

  test("by somebody who has left does not answer", async () => {
    await using sparks = await Sparks.start();

    const asked = sparks.control.look(sparks.node(0), sparks.place, AbortSignal.abort(new Error("left")));

    await expect(asked).rejects.toThrow();
  });
});

describe("what lies on a Spark", () => {
  test("the launch script, or that it is missing", async () => {
    await using sparks = await Sparks.start({ launchScript: "old" });

    expect(await sparks.control.launchScript(sparks.node(0), never)).toContain('COMMAND_TO_RUN="$@"');
    expect(await sparks.control.launchScript(sparks.node(0, { launch_dir: "~/elsewhere" }), never)).toBeNull();
  });

  test("an image, or not", async () => {
    await using sparks = await Sparks.start();

    expect(await sparks.control.hasImage(sparks.node(0), "vllm-node", never)).toBe(true);
    expect(await sparks.control.hasImage(sparks.node(0), "vllm-node:nightly", never)).toBe(false);
  });

  test("a folder, or not, also below the home", async () => {
    await using sparks = await Sparks.start();
    const has = (folder: string) => sparks.control.hasFolder(sparks.node(0), folder, never);

    expect(await has("/models/acme-14b-instruct")).toBe(true);
    expect(await has("~/spark-vllm-docker")).toBe(true);
    expect(await has("/models/nope")).toBe(false);
    expect(await has("/models/acme-14b-instruct/config.json")).toBe(false);
  });

  test("its address: the configured one, its host where that is one, else the peer of the connection", async () => {
    await using sparks = await Sparks.start();
    const { control } = sparks;
    const host = sparks.node(0).host;

    expect(await control.address(sparks.node(0, { address: "10.77.0.1" }), never)).toBe("10.77.0.1");
    expect(await control.address(sparks.node(0), never)).toBe(host);
    expect(await control.address(sparks.node(0, { host: `::ffff:${host}` }), never)).toBe(host);
  });
});

describe("a detached job", () => {
  test("tells the words with which it was started; one that is not there tells none", async () => {
    await using sparks = await Sparks.start();
    const head = sparks.node(0);
    const words = sparks.launchWords(MODEL);
    await sparks.control.startJob(head, order("swap-1", words), never);

    expect(await sparks.control.launchedWith(head, "swap-1", never)).toEqual(expect.arrayContaining([...words]));
    expect(await sparks.control.launchedWith(head, "swap-2", never)).toBeNull();
  });

  test("is read from any offset on, until it has ended with its exit code", async () => {
    await using sparks = await Sparks.start();
    const head = sparks.node(0);
    await sparks.control.startJob(head, order("swap-1", [...sparks.launchWords(MODEL), "--no-such-option"]), never);
    await sparks.cluster.until(({ nodes }) => nodes[0]!.jobs.get("swap-1")?.exitCode != null);

    const whole = await sparks.control.readJob(head, "swap-1", 0, 1 << 20, never);
    const rest = await sparks.control.readJob(head, "swap-1", 10, 5, never);

    expect(whole).toMatchObject({ state: "exited", exitCode: 2, skipped: 0 });
    expect(new TextDecoder().decode(whole.chunk)).toContain("error: unrecognized arguments: --no-such-option");
    expect(whole.nextOffset).toBe(whole.chunk.length);
    expect(rest.chunk).toEqual(whole.chunk.slice(10, 15));
    expect(rest.nextOffset).toBe(15);
  });

  test("that was never started is absent", async () => {
    await using sparks = await Sparks.start();

    expect(await sparks.control.readJob(sparks.node(0), "swap-9", 0, 100, never)).toMatchObject({
      state: "absent",
      exitCode: null,
    });
  });

  test("started twice runs once", async () => {
    await using sparks = await Sparks.start();
    const words = sparks.launchWords(MODEL);

    for (let times = 0; times < 2; times++)
      await sparks.control.startJob(sparks.node(0), order("swap-1", words), never);

    expect(sparks.cluster.nodes[0]!.jobs.newestFirst()).toHaveLength(1);
  });

  test("is killed at once; its model lives on, as on a real Spark, until its container is stopped", async () => {
    await using sparks = await Sparks.start();
    const { control } = sparks;
    const head = sparks.node(0);
    await control.startJob(head, order("swap-1", sparks.launchWords(MODEL)), never);
    await sparks.serves();

    await control.killJob(head, "swap-1", 1, never);
    const killed = await control.readJob(head, "swap-1", 0, 100, never);
    const between = await control.look(head, sparks.place, never);
    await control.stopContainer(head, sparks.place.container, 1, never);
    const after = await control.look(head, sparks.place, never);

    expect(killed).toMatchObject({ state: "vanished", exitCode: null });
    expect(between.vllm).not.toEqual([]);
    expect(after).toMatchObject({ container: null, vllm: [], portOpen: false });
  });

  test("of a lower generation, or of another controller, is refused as fenced", async () => {
    await using sparks = await Sparks.start();
    const head = sparks.node(0);
    const words = sparks.launchWords(MODEL);
    await sparks.control.startJob(head, order("swap-2", words, 2), never);

    const late = await faultOf(sparks.control.startJob(head, order("swap-1", words, 1), never));
    const foreign = controlOver(sparks.ssh, "0191d9c4-0000-7000-8000-000000000b0b");
    const other = await faultOf(foreign.startJob(head, order("swap-3", words, 3), never));

    expect(late).toMatchObject({
      kind: "conflict",
      code: "fenced",
      members: { node: "spark-1", evidence: "fenced generation 2" },
    });
    expect(other).toMatchObject({ kind: "conflict", code: "fenced", members: { node: "spark-1" } });
    expect(sparks.cluster.nodes[0]!.jobs.newestFirst().map(({ id }) => id)).toEqual(["swap-2"]);
  });

  test("in a folder that is missing names the folder", async () => {
    await using sparks = await Sparks.start();

    const fault = await faultOf(
      sparks.control.startJob(sparks.node(0), { ...order("swap-1", ["true"]), cwd: "~/nope" }, never),
    );

    expect(fault).toMatchObject({ kind: "upstream", members: { node: "spark-1" } });
    expect(fault.message).toContain("~/nope");
  });

  test("keeps the log of a container beyond its removal", async () => {
    // The keeper waits ten minutes of the cluster for its container: on a busy machine that is not to be over at once.
    await using sparks = await Sparks.start({ speed: 200 });
    const { control, cluster } = sparks;
    const worker = sparks.node(1);
    await control.keepLog(worker, "swap-1-log", 1, sparks.place.container, never);
    await control.startJob(sparks.node(0), order("swap-1", sparks.launchWords("zai-org/GLM-4.5-Air-FP8", 2)), never);
    await cluster.until(
      ({ nodes }) => nodes[1]!.jobs.get("swap-1-log")?.log.text().includes("checkpoint shards") === true,
    );

    await control.stopContainer(worker, sparks.place.container, 1, never);
    await cluster.until(({ nodes }) => nodes[1]!.jobs.get("swap-1-log")?.exitCode != null);

    const { chunk } = await control.readJob(worker, "swap-1-log", 0, 1 << 20, never);
    expect(new TextDecoder().decode(chunk)).toContain("checkpoint shards");
  });
});

describe("a stop", () => {
  test("of a container that is not there is no error", async () => {
    await using sparks = await Sparks.start();

    expect(await sparks.control.stopContainer(sparks.node(0), "vllm_node", 1, never)).toBeUndefined();
  });

  test("that docker fails to do is no error either: the look after it tells", async () => {
    await using sparks = await Sparks.start();
    const head = sparks.node(0);
    await sparks.control.startJob(head, order("swap-1", sparks.launchWords(MODEL)), never);
    await sparks.serves();
    sparks.cluster.inject({ kind: "docker_stop_ineffective", node: "spark-1" });

    await sparks.control.stopContainer(head, "vllm_node", 1, never);

    expect((await sparks.control.look(head, sparks.place, never)).container?.running).toBe(true);
  });
});

describe("a check of arguments", () => {
  const check = (sparks: Sparks, args: readonly string[], image = "vllm-node") =>
    sparks.control.checkArguments(sparks.node(0), sparks.place.container, image, args, never);

  test("without a container runs in the image", async () => {
    await using sparks = await Sparks.start();

    expect(await check(sparks, [MODEL, "--port", "8888", "--max-model-len", "32k"])).toBeNull();
    expect(await check(sparks, [MODEL, "--no-such-option"])).toBe(
      "vllm serve: error: unrecognized arguments: --no-such-option",
    );
    expect(await check(sparks, [MODEL, "--max-model-len", "lots"])).toContain("argument --max-model-len");
  });

  test("runs in the container that is there", async () => {
    await using sparks = await Sparks.start();
    await sparks.control.startJob(sparks.node(0), order("swap-1", sparks.launchWords(MODEL)), never);
    await sparks.serves();
    const asked = sparks.cluster.nodes[0]!.containers().length;

    expect(await check(sparks, [MODEL, "--port", "8888"])).toBeNull();
    expect(await check(sparks, [MODEL, "--no-such-option"])).toContain("--no-such-option");
    expect(sparks.cluster.nodes[0]!.containers()).toHaveLength(asked);
  });

  test("does not use a container of another image: it holds another vLLM", async () => {
    await using sparks = await Sparks.start();
    await sparks.control.startJob(sparks.node(0), order("swap-1", sparks.launchWords(MODEL)), never);
    await sparks.serves();

    const fault = await faultOf(check(sparks, [MODEL], "vllm-node-nightly"));

    expect(fault).toMatchObject({ code: "preflight_failed", members: { node: "spark-1" } });
  });

  test("that docker cannot run is a failure of the Spark, not of the arguments", async () => {
    await using sparks = await Sparks.start();

    const fault = await faultOf(check(sparks, [MODEL], "no-such-image"));

    expect(fault).toMatchObject({ kind: "upstream", code: "preflight_failed" });
    expect(String(fault.members.evidence)).toContain("pull access denied for no-such-image");
  });
});
