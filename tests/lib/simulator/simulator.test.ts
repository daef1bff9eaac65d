import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSimulator } from "../../../lib/simulator/simulator.ts";
import { Scheduler, Timeline } from "../../../lib/simulator/speed.ts";
import { createSsh } from "../../../lib/ssh/connection-pool.ts";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { command } from "../../../lib/ssh/quote.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";
import { Bench, CONTROLLER_KEY, INSTANCE } from "./bench.ts";

const DEADLINE = { deadlineMs: 10_000 };

describe("the cluster's own configuration", () => {
  test("is understood without a problem", async () => {
    await using bench = await Bench.start({ nodes: 3, services: true });
    const { topologyYaml, servicesYaml } = bench.cluster;

    const topology = loadTopology({
      files: {
        topology: { name: "topology.yaml", text: topologyYaml },
        services: { name: "services-overrides.yaml", text: servicesYaml },
      },
      env: {},
    });

    expect(topology.problems).toEqual([]);
    expect(topology.nodes.map(({ name, status }) => [name, status])).toEqual([
      ["spark-1", "configured"],
      ["spark-2", "configured"],
      ["spark-3", "configured"],
    ]);
    expect(topology.slots).toMatchObject([
      { name: "main", nodes: ["spark-1", "spark-2", "spark-3"], port: bench.cluster.vllmPort },
    ]);
    expect(
      topology.services
        .filter(({ disabled }) => !disabled)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["asr", "bot", "embeddings", "qdrant", "reranker", "tts"]);
  });

  for (const nodes of [0, 65, 1.5]) {
    test(`${nodes} nodes are refused`, () => {
      expect(startSimulator({ speed: 1, authorizedKey: CONTROLLER_KEY.publicText, nodes })).rejects.toThrow(RangeError);
    });
  }

  test("standard ports give way where they are taken", async () => {
    await using first = await Bench.start({ ports: "standard", services: true });
    await using second = await Bench.start({ ports: "standard", services: true });

    const taken = first.worker.listeningPorts();
    expect(second.worker.listeningPorts()).toHaveLength(6);
    expect(second.worker.listeningPorts().filter((port) => taken.includes(port))).toEqual([]);
  });

  test("64 nodes start", async () => {
    await using bench = await Bench.start({ nodes: 64 });

    expect((await bench.exec(["hostname"], bench.cluster.nodes[63]!)).stdout).toBe("spark-64\n");
  });
});

test("the controller's own SSH and jobs work on it", async () => {
  await using bench = await Bench.start();
  const folder = mkdtempSync(join(tmpdir(), "simulator-"));
  const ssh = createSsh({
    privateKey: CONTROLLER_KEY.privateText,
    hostKeys: openHostKeys({ file: join(folder, "known-hosts.json") }),
  });
  try {
    const jobs = createDetachedJobs(ssh);
    const { address: host, sshPort: port } = bench.head;
    const target = { host, port, user: "spark" };
    const argv = bench.launchWords("openai/gpt-oss-20b").slice(2);

    const env = { VLLM_SPARK_EXTRA_DOCKER_ARGS: "-e A=b" };
    const cwd = "~/spark-vllm-docker";
    await jobs.start(target, { id: "swap-1", generation: 1, instance: INSTANCE, argv, env, cwd }, DEADLINE);
    await bench.vllmAnswers();
    const reading = await jobs.read(target, "swap-1", { offset: 0, maxBytes: 1_000_000, ...DEADLINE });
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => ssh.exec(target, command(["hostname"]), DEADLINE)),
    );

    expect(reading).toMatchObject({ state: "running", generation: 1, skipped: 0 });
    expect(new TextDecoder().decode(reading.chunk)).toContain("Application startup complete.");
    expect(await jobs.list(target, DEADLINE)).toEqual([{ id: "swap-1", generation: 1, state: "running" }]);
    expect(new Set(answers.map(({ stdout }) => stdout))).toEqual(new Set(["spark-1\n"]));
    expect(await ssh.peerAddress(target, DEADLINE)).toBe(host);
  } finally {
    await ssh.close();
    rmSync(folder, { recursive: true });
  }
});

describe("waiting", () => {
  test("until() rejects when its deadline passes", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    expect(bench.cluster.until(() => false, 20)).rejects.toThrow("did not get there in 20 ms");
  });

  test("a timeline of many short waits sleeps only when it is ahead of the clock", async () => {
    let sleeps = 0;
    class CountingScheduler extends Scheduler {
      override sleep(seconds: number, signal?: AbortSignal): Promise<void> {
        sleeps += 1;
        return super.sleep(seconds, signal);
      }
    }
    const scheduler = new CountingScheduler(1000);
    const line = new Timeline(scheduler);

    for (let wait = 0; wait < 2000; wait += 1) await line.wait(0.05);
    scheduler.close();

    // A timer takes a millisecond at least, a simulated second at this speed; together the waits are 100 seconds.
    expect(sleeps).toBeGreaterThan(0);
    expect(sleeps).toBeLessThan(1000);
  });

  test("sleepers wake up when the scheduler closes", async () => {
    const scheduler = new Scheduler(1);
    const sleeping = scheduler.sleep(3600).catch((error: Error) => error.name);

    scheduler.close();

    expect(await sleeping).toBe("Ended");
  });
});

test("the largest model is there within the deadline at speed 1000", async () => {
  await using bench = await Bench.start();
  const begun = bench.head.scheduler.now();

  await bench.startJob("a", bench.launchWords("QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ", { nodes: 2 }));
  await bench.vllmAnswers();
  const seconds = bench.head.scheduler.now() - begun;

  expect(seconds).toBeGreaterThan(400);
});
