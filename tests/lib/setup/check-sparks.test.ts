import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { CheckId } from "../../../lib/setup/check.ts";
import type { SimulatedFault } from "../../../lib/simulator/faults.ts";
import { Checks, INSTANCE } from "./_checks.ts";

setDefaultTimeout(20_000);

describe("healthy Sparks", () => {
  test("pass every check, with figures", async () => {
    await using checks = await Checks.start();

    await checks.run();

    expect(checks.troubles).toEqual([]);
    expect(checks.of("spark-1", "disk").seen).toBe("2,783 GB free of 3,937 GB, in ~/.cache/huggingface.");
    expect(checks.of("spark-1", "gpu").seen).toBe("NVIDIA GB10, compute capability 12.1, driver 580.95.05, aarch64.");
    expect(checks.of("spark-1", "launch_script").seen).toContain("keeps its arguments as they are, with --solo");
    expect(checks.of("spark-2", "from_head").seen).toBe("spark-1 logs in at 127.0.0.11 without a password.");
  });

  test("the dialect of an old launch script is told", async () => {
    await using checks = await Checks.start({ nodes: 1, launchScript: "old" });

    await checks.run();

    expect(checks.of("spark-1", "launch_script")).toMatchObject({ state: "ok" });
    expect(checks.of("spark-1", "launch_script").seen).toContain("before March 2026");
  });

  test("one Spark alone is not asked for another", async () => {
    await using checks = await Checks.start({ nodes: 1 });

    const results = await checks.run();

    expect(results.map(({ check }) => check)).not.toContain("from_head");
  });
});

describe("a host that is new", () => {
  test("is not trusted, and nothing is asked of it, until its key is confirmed", async () => {
    await using checks = await Checks.start({ nodes: 1, confirmed: false });
    const [spark] = checks.cluster.nodes;

    await checks.run();

    const identity = checks.of("spark-1", "host_key");
    expect(identity).toMatchObject({
      state: "warning",
      confirm: {
        fingerprint: spark!.hostKey.fingerprint,
        type: "ssh-ed25519",
        expected: null,
        command: "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
      },
    });
    expect(checks.of("spark-1", "reachable").state).toBe("ok");
    expect(checks.results.filter(({ state }) => state === "skipped").length).toBe(8);
    expect(checks.hostKeys.list()).toEqual([]);

    checks.keys.confirm(spark!.address, spark!.sshPort, spark!.hostKey.fingerprint);
    await checks.run();
    expect(checks.troubles).toEqual([]);
  });

  test("cannot be confirmed with another fingerprint, or twice", async () => {
    await using checks = await Checks.start({ nodes: 1, confirmed: false });
    const [spark] = checks.cluster.nodes;
    await checks.run();
    const confirm = (fingerprint: string) => checks.keys.confirm(spark!.address, spark!.sshPort, fingerprint);

    expect(() => confirm(`SHA256:${"A".repeat(43)}`)).toThrow("did not show a key with this fingerprint");
    expect(checks.hostKeys.list()).toEqual([]);
    confirm(spark!.hostKey.fingerprint);
    expect(() => confirm(spark!.hostKey.fingerprint)).toThrow("did not show a key with this fingerprint");
  });
});

test("a host that changed its key is refused, and says which was expected", async () => {
  await using checks = await Checks.start({ nodes: 1 });
  const before = checks.cluster.nodes[0]!.hostKey.fingerprint;
  checks.cluster.inject({ kind: "host_key_changed" });

  await checks.run();

  const identity = checks.of("spark-1", "host_key");
  expect(identity).toMatchObject({ state: "failed", confirm: { expected: before } });
  expect(identity.seen).toContain("another identity than last time");
  const [spark] = checks.cluster.nodes;
  checks.keys.confirm(spark!.address, spark!.sshPort, spark!.hostKey.fingerprint);
  await checks.run();
  expect(checks.troubles).toEqual([]);
});

describe("what can be wrong is found, with its fix", () => {
  const cases: readonly (readonly [SimulatedFault, string, CheckId, string, RegExp, RegExp])[] = [
    [
      { kind: "ssh_refused", node: "spark-1" },
      "spark-1",
      "reachable",
      "failed",
      /refuses SSH/,
      /systemctl enable --now ssh/,
    ],
    [
      { kind: "ssh_silent", node: "spark-1" },
      "spark-1",
      "reachable",
      "failed",
      /did not complete the SSH handshake/,
      /hostname -I/,
    ],
    [
      { kind: "key_refused", node: "spark-1" },
      "spark-1",
      "login",
      "failed",
      /spark is not let in/,
      /^mkdir -p ~\/\.ssh .*authorized_keys$/,
    ],
    [
      { kind: "docker_denied", node: "spark-2" },
      "spark-2",
      "docker",
      "failed",
      /may not use Docker/,
      /^sudo usermod -aG docker spark$/,
    ],
    [
      { kind: "launch_script_missing", node: "spark-1" },
      "spark-1",
      "launch_script",
      "failed",
      /There is no/,
      /^git clone .* ~\/spark-vllm-docker$/,
    ],
    [
      { kind: "launch_script_missing", node: "spark-2" },
      "spark-2",
      "launch_script",
      "skipped",
      /needed on spark-1 only/,
      /^$/,
    ],
    [
      { kind: "image_missing", node: "spark-1" },
      "spark-1",
      "image",
      "failed",
      /There is no image vllm-node/,
      /build-and-copy\.sh$/,
    ],
    [
      { kind: "image_missing", node: "spark-2" },
      "spark-2",
      "image",
      "failed",
      /There is no image/,
      /^docker save vllm-node \| ssh 127\.0\.0\.11 docker load$/,
    ],
    [{ kind: "disk_full", node: "spark-1" }, "spark-1", "disk", "failed", /^0 GB free of 3,937 GB/, /^du -sh/],
    [{ kind: "gpu_missing", node: "spark-2" }, "spark-2", "gpu", "failed", /does not answer/, /^sudo reboot$/],
    [{ kind: "clock_off", node: "spark-2", seconds: 60 }, "spark-2", "clock", "warning", /60 s ahead/, /set-ntp true/],
    [
      { kind: "clock_off", node: "spark-2", seconds: -90 },
      "spark-2",
      "clock",
      "warning",
      /90 s behind/,
      /set-ntp true/,
    ],
    [
      { kind: "worker_ssh_denied", node: "spark-2" },
      "spark-2",
      "from_head",
      "failed",
      /may not log in at 127\.0\.0\.11/,
      /ssh-copy-id .* spark@127\.0\.0\.11$/,
    ],
    [
      { kind: "unreachable", node: "spark-2", how: "reset" },
      "spark-2",
      "reachable",
      "failed",
      /refuses SSH/,
      /systemctl/,
    ],
  ];
  for (const [fault, node, check, state, seen, line] of cases)
    test(`${fault.kind} on ${node}${"seconds" in fault ? ` by ${fault.seconds} s` : ""}`, async () => {
      await using checks = await Checks.start();
      checks.cluster.inject(fault);

      await checks.run();

      const result = checks.of(node, check);
      expect(result.state).toBe(state as typeof result.state);
      expect(result.seen).toMatch(seen);
      expect(result.fix?.lines.join("\n") ?? "").toMatch(line);
      const other = node === "spark-1" ? "spark-2" : "spark-1";
      const elsewhere = checks.results.filter((one) => one.node === other && one.state === "failed");
      expect(elsewhere).toEqual([]);
    });

  test("a clock that is off by less than 5 s is fine", async () => {
    await using checks = await Checks.start({ nodes: 1 });
    checks.cluster.inject({ kind: "clock_off", seconds: 4 });

    await checks.run();

    expect(checks.of("spark-1", "clock").state).toBe("ok");
  });

  test("an image of another name, a launch script elsewhere", async () => {
    await using checks = await Checks.start({ nodes: 1 });
    checks.change(0, { launch_dir: "/opt/launch" });

    await checks.run({ image: "registry.example/vllm:26.01" });

    expect(checks.of("spark-1", "image").fix?.lines).toEqual([
      "cd /opt/launch && ./build-and-copy.sh -t registry.example/vllm:26.01",
    ]);
    expect(checks.of("spark-1", "launch_script").seen).toBe("There is no /opt/launch/launch-cluster.sh.");
  });

  test("a script that is not known", async () => {
    await using checks = await Checks.start({ nodes: 1 });
    checks.cluster.nodes[0]!.files.addText("/home/spark/spark-vllm-docker/launch-cluster.sh", "#!/bin/sh\nexit 0\n");

    await checks.run();

    expect(checks.of("spark-1", "launch_script")).toMatchObject({ state: "warning", evidence: "#!/bin/sh\nexit 0" });
  });

  test("builds that differ", async () => {
    await using checks = await Checks.start();
    const [first, second] = checks.cluster.nodes;
    second!.docker.addImage("vllm-node", "other");
    expect(second!.docker.imageId("vllm-node")).not.toBe(first!.docker.imageId("vllm-node"));

    await checks.run();

    expect(checks.of("spark-2", "image")).toMatchObject({ state: "warning", fix: { where: "spark-1" } });
  });

  test("a Spark of another controller", async () => {
    await using checks = await Checks.start({ nodes: 1 });
    const [spark] = checks.cluster.nodes;
    spark!.jobs.instance = "0191d9c4-0000-7000-8000-000000000b0b";

    await checks.run();
    expect(checks.of("spark-1", "owner")).toMatchObject({ state: "warning", evidence: spark!.jobs.instance });

    spark!.jobs.instance = INSTANCE;
    await checks.run();
    expect(checks.of("spark-1", "owner").state).toBe("ok");
  });

  test("with the head away, the other Spark is checked as far as it goes", async () => {
    await using checks = await Checks.start();
    checks.cluster.inject({ kind: "ssh_refused", node: "spark-1" });

    await checks.run();

    expect(checks.of("spark-2", "docker").state).toBe("ok");
    expect(checks.of("spark-2", "from_head")).toMatchObject({ state: "skipped" });
  });
});

test("a name that does not exist is said to be one", async () => {
  await using checks = await Checks.start({ nodes: 1 });
  checks.change(0, { host: "spark-1.invalid" });

  await checks.run({ checker: { ssh: { readyTimeoutMs: 5_000 } } });

  expect(checks.of("spark-1", "reachable").seen).toBe(
    "The name spark-1.invalid could not be resolved. Check the spelling, or use its IP address.",
  );
});

test("a run that is called off ends, and says no more", async () => {
  await using checks = await Checks.start();
  checks.cluster.inject({ kind: "unreachable", how: "silent" });
  const leaving = new AbortController();

  const running = checks.run({ signal: leaving.signal, checker: { ssh: { readyTimeoutMs: 60_000 } } });
  leaving.abort();
  await running;

  expect(checks.results).toEqual([]);
});

test("nothing is changed on the Sparks", async () => {
  await using checks = await Checks.start();
  const state = () =>
    checks.cluster.nodes.map(({ jobs, docker, files, processes }) => ({
      instance: jobs.instance,
      generation: jobs.generation,
      jobs: [...jobs.newestFirst()].length,
      containers: docker.all().length,
      home: files.list("/home/spark"),
      processes: processes.all().length,
    }));
  const before = state();

  await checks.run();

  expect(state()).toEqual(before);
});
