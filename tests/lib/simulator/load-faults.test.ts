import { describe, expect, test } from "bun:test";
import type { SimulatedFault } from "../../../lib/simulator/faults.ts";
import { Bench } from "./bench.ts";

const SMALL = "openai/gpt-oss-20b";
const LARGE = "QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ";
const MEDIUM = "openai/gpt-oss-120b";

/** Launches with the fault and waits for the job's end. */
async function launchWith(bench: Bench, fault: SimulatedFault, nodes = 1) {
  bench.inject(fault);
  await bench.startJob("swap-1", bench.launchWords(nodes === 1 ? SMALL : LARGE, { nodes }));
  await bench.jobEnds("swap-1");
  return bench.readJob("swap-1");
}

describe("a load that fails", () => {
  const cases: readonly { name: string; fault: SimulatedFault; exit: string; log: readonly string[] }[] = [
    {
      name: "out of memory while loading",
      fault: { kind: "out_of_memory" },
      exit: "1",
      log: [
        "torch.OutOfMemoryError",
        "EngineCore failed to start",
        "Engine core initialization failed. See root cause above.",
      ],
    },
    {
      name: "too little free memory",
      fault: { kind: "out_of_memory", variant: "free_memory" },
      exit: "1",
      log: ["Free memory on device", "less than desired GPU memory utilization", "EngineCore failed to start"],
    },
    {
      name: "engine core failed",
      fault: { kind: "engine_core_failed", at: { weightsPercent: 100 } },
      exit: "1",
      log: ["100% Completed", "EngineCore failed to start", "Engine core initialization failed. See root cause above."],
    },
    {
      name: "dies right after it is ready",
      fault: { kind: "dies_after_ready" },
      exit: "1",
      log: ["Application startup complete.", "EngineCore encountered a fatal error.", "EngineDeadError"],
    },
    { name: "SIGKILLed without a word", fault: { kind: "killed_silently" }, exit: "137", log: ["Stopping cluster..."] },
  ];

  for (const { name, fault, exit, log } of cases) {
    test(name, async () => {
      await using bench = await Bench.start();

      const reading = await launchWith(bench, fault);

      expect(reading.fields).toMatchObject({ state: "exited", exit });
      for (const text of log) expect(reading.log).toContain(text);
      expect(bench.head.listeningPorts()).toEqual([bench.head.sshPort]);
    });
  }

  test("progress that gets stuck stays there, and docker top still lists vLLM", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "progress_stuck", percent: 40 });

    await bench.startJob("swap-1", bench.launchWords(MEDIUM));
    await bench.cluster.until(
      () => Number(/.*\r.* (\d+)%/s.exec(bench.head.jobs.get("swap-1")?.log.text() ?? "")?.[1]) >= 40,
    );
    const before = await bench.readJob("swap-1");
    const other = await bench.exec(["sleep", "400"]);
    const after = await bench.readJob("swap-1");

    expect(other.code).toBe(0);
    expect(after.log).toBe(before.log);
    expect(after.fields.state).toBe("running");
    expect((await bench.exec(["docker", "top", "vllm_node"])).stdout).toContain("vllm serve");
  });

  test("strikes as often as it is told to", async () => {
    await using bench = await Bench.start();
    await launchWith(bench, { kind: "engine_core_failed", times: 1 });

    await bench.startJob("swap-2", bench.launchWords(SMALL));

    await bench.vllmAnswers();
  });

  test("bound to the worker it strikes a load on both, not one on the head alone", async () => {
    await using bench = await Bench.start();

    const solo = { kind: "engine_core_failed", node: "spark-2" } as const;
    bench.inject(solo);
    await bench.startJob("swap-0", bench.launchWords(SMALL));
    await bench.vllmAnswers();
    await bench.exec(["docker", "stop", "-t", "0", "vllm_node"]);
    await bench.jobEnds("swap-0");
    const { fields } = await launchWith(bench, solo, 2);

    expect(fields.exit).toBe("1");
  });
});

describe("a launch that fails", () => {
  test("the image is missing on the head: new 125, old 1 after its wait", async () => {
    await using recent = await Bench.start();
    await using old = await Bench.start({ launchScript: "old" });
    old.inject({ kind: "image_missing", node: "spark-1" });

    const code = (await launchWith(recent, { kind: "image_missing", node: "spark-1" })).fields.exit;
    await old.startJob("swap-1", old.launchWords(SMALL, { flags: [] }));
    await old.jobEnds("swap-1");
    const inspected = await recent.exec(["docker", "image", "inspect", "--format", "{{.Id}}", "vllm-node"]);

    expect(code).toBe("125");
    expect((await old.readJob("swap-1")).fields.exit).toBe("1");
    expect(inspected.code).toBe(1);
    expect(inspected.stderr).toContain("No such image: vllm-node:latest");
  });

  test("the image is missing on the worker", async () => {
    await using bench = await Bench.start();

    const { fields, log } = await launchWith(bench, { kind: "image_missing", node: "spark-2" }, 2);

    expect(fields.exit).toBe("1");
    expect(log).toContain("Unable to find image 'vllm-node:latest' locally");
    expect(bench.head.containers()).toEqual([]);
  });

  test("the launch script is missing", async () => {
    await using bench = await Bench.start();

    const { fields } = await launchWith(bench, { kind: "launch_script_missing" });
    const shown = await bench.exec(["cat", { home: "spark-vllm-docker/launch-cluster.sh" }]);

    expect(fields.exit).toBe("127");
    expect(shown.code).toBe(1);
    expect(shown.stderr).toContain("No such file or directory");
  });

  test("it exits 0 and nothing runs", async () => {
    await using bench = await Bench.start();

    const { fields } = await launchWith(bench, { kind: "launch_exits_zero" });

    expect(fields.exit).toBe("0");
    expect(bench.head.containers()).toEqual([]);
  });

  test("the worker does not let the head in", async () => {
    await using bench = await Bench.start();

    const { fields, log } = await launchWith(bench, { kind: "worker_ssh_denied" }, 2);

    expect(fields.exit).toBe("1");
    expect(log).toContain("Permission denied (publickey,password).");
  });

  test("the disk is full", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "disk_full", node: "spark-1" });

    const started = await bench.startJob("swap-1", bench.launchWords(SMALL));
    const shown = await bench.exec(["df", "-Pk", { home: "" }]);

    expect(started.code).toBe(73);
    expect(started.stderr).toContain("No space left on device");
    expect(shown.stdout).toMatch(/ 0 +100% \/\n$/);
    expect((await bench.readJob("swap-1")).fields.state).toBe("absent");
  });

  test("a foreign container has the name: vLLM is looked for in it, and it stays", async () => {
    await using bench = await Bench.start();

    const { fields, log } = await launchWith(bench, { kind: "container_name_taken", node: "spark-1" });

    expect(fields.exit).toBe("127");
    expect(log).toContain('exec: "vllm": executable file not found');
    expect(bench.head.containers().map(({ spec }) => spec.image)).toEqual(["nginx"]);
    bench.cluster.clear();
    expect(bench.head.containers()).toEqual([]);
  });

  test("a foreign process has the port: it answers there and vLLM dies on it", async () => {
    await using bench = await Bench.start();

    const { fields, log } = await launchWith(bench, { kind: "port_taken", node: "spark-1" });
    const answer = await fetch(bench.url("/v1/models"));

    expect(fields.exit).toBe("1");
    expect(log).toContain("OSError: [Errno 98] Address already in use");
    expect(answer.headers.get("content-type")).toStartWith("text/html");
    bench.cluster.clear();
    expect(bench.head.listeningPorts()).toEqual([bench.head.sshPort]);
  });

  test("docker stop does not stop: the container and its memory stay", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();
    const loaded = bench.head.memoryAvailableKb;
    bench.inject({ kind: "docker_stop_ineffective" });

    const { code, stderr } = await bench.exec(["docker", "stop", "-t", "10", "vllm_node"]);

    expect(code).toBe(1);
    expect(stderr).toContain("did not receive an exit event");
    expect(bench.head.containers().map(({ running }) => running)).toEqual([true]);
    expect(bench.head.memoryAvailableKb).toBe(loaded);
  });
});
