/** The checks of Set-up against hosts with OpenSSH, docker and a launch script of their own; head → worker SSH broken and mended. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckId, CheckResult } from "../../lib/setup/check.ts";
import { checkSparks } from "../../lib/setup/check-sparks.ts";
import { createShownKeys, type ShownKeys } from "../../lib/setup/shown-keys.ts";
import { openHostKeys } from "../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../lib/ssh/key-pair.ts";
import type { Node } from "../../lib/topology/topology.ts";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import type { Host } from "./host.ts";
import { IMAGE_NAME } from "./image.ts";
import { type Lab, startLab } from "./lab.ts";

setDefaultTimeout(90_000);

const { available, how } = await labAvailability();

requirement(
  "set-up in the lab",
  available,
  how,
)("set-up in the lab", () => {
  let lab: Lab;
  let folder: string;
  let keys: ShownKeys;
  let results: CheckResult[];
  const pair = generateKeyPair("spark-control");
  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
    await lab.authorize(pair.publicKeyLine);
  });
  afterAll(() => lab?.close());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "spark-lab-"));
    keys = createShownKeys(openHostKeys({ file: join(folder, "known_hosts.json") }));
    await check();
    confirmAll();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const nodeOf = (host: Host): Node => ({
    status: "configured",
    name: host.name,
    host: host.address,
    user: host.user,
    ssh_port: host.sshPort,
    address: null,
    launch_dir: "~/spark-vllm-docker",
    eth_if: null,
    ib_if: null,
  });
  async function check(image = IMAGE_NAME): Promise<void> {
    results = [];
    const checker = { ...pair, keys, instance: "0191d9c4-0000-7000-8000-00000000a11c", now: Date.now };
    const emit = (result: CheckResult) => results.push(result);
    await checkSparks({ nodes: lab.hosts.map(nodeOf), image }, checker, emit, new AbortController().signal);
  }
  function confirmAll(): void {
    for (const { node, confirm } of results) {
      const host = lab.hosts.find(({ name }) => name === node)!;
      if (confirm) keys.confirm(host.address, host.sshPort, confirm.fingerprint);
    }
  }
  const of = (node: string, id: CheckId) => results.find((each) => each.node === node && each.check === id)!;
  const failed = () => results.filter(({ state }) => state === "failed").map(({ node, check: id }) => `${node} ${id}`);

  /** Moves a file away for as long as `work` runs. */
  async function without(path: string, work: () => Promise<void>): Promise<void> {
    await rename(path, `${path}.away`);
    try {
      await work();
    } finally {
      await rename(`${path}.away`, path);
    }
  }

  test("two hosts as they should be: nothing fails, and nothing on them is changed", async () => {
    const marker = "touch /tmp/before && sleep 0.02";
    for (const host of lab.hosts) await host.exec(marker);

    await check();

    expect(failed()).toEqual([]);
    for (const { name } of lab.hosts)
      for (const id of [
        "reachable",
        "host_key",
        "login",
        "docker",
        "launch_script",
        "image",
        "clock",
        "owner",
      ] as const)
        expect(`${name} ${id} ${of(name, id).state}`).toBe(`${name} ${id} ok`);
    expect(of("spark-2", "from_head").seen).toBe(`spark-1 logs in at ${lab.worker.address} without a password.`);
    expect(of("spark-1", "gpu").seen).toContain("NVIDIA GB10");
    for (const host of lab.hosts)
      expect((await host.exec(`find ${host.home} -newer /tmp/before`)).stdout.trim()).toBe("");
  });

  test("the fingerprint is the one that the host prints with the command that is shown", async () => {
    const fresh = createShownKeys(openHostKeys({ file: join(folder, "fresh.json") }));
    keys = fresh;

    await check();

    const shown = of("spark-1", "host_key").confirm!;
    const own = await lab.head.hostKey();
    const line = join(folder, "host.pub");
    await writeFile(line, `${own}\n`);
    const printed = Bun.spawnSync(["ssh-keygen", "-lf", line]).stdout.toString();
    expect(printed).toContain(` ${shown.fingerprint} `);
  });

  test("the head is not let in by the worker, and is again once its key is there", async () => {
    const file = lab.worker.homeFile(".ssh/authorized_keys");
    const before = await readFile(file, "utf8");
    const own = (await lab.head.publicKey()).trim();
    await writeFile(
      file,
      before
        .split("\n")
        .filter((line) => line !== own)
        .join("\n"),
    );

    await check();

    expect(failed()).toEqual(["spark-2 from_head"]);
    const { seen, fix, evidence } = of("spark-2", "from_head");
    expect(seen).toBe(`spark-1 may not log in at ${lab.worker.address} as alice without a password.`);
    expect(evidence).toContain("Permission denied");
    expect(fix).toMatchObject({ where: "spark-1" });
    expect(fix!.lines[0]).toEndWith(`ssh-copy-id -i ~/.ssh/id_ed25519.pub alice@${lab.worker.address}`);

    await lab.worker.authorize(own);
    await check();
    expect(failed()).toEqual([]);
  });

  test("a head without a key of its own gets one by the first half of the line", async () => {
    const key = lab.head.homeFile(".ssh/id_ed25519");
    await without(key, () =>
      without(`${key}.pub`, async () => {
        await check();
        expect(failed()).toEqual(["spark-2 from_head"]);
        const [make = "", copy = ""] = of("spark-2", "from_head").fix!.lines[0]!.split("; ");
        expect(copy).toStartWith("ssh-copy-id ");
        expect((await lab.head.exec(make)).exitCode).toBe(0);
        await lab.worker.authorize(await lab.head.publicKey());

        await check();

        expect(failed()).toEqual([]);
        await lab.head.exec("rm ~/.ssh/id_ed25519 ~/.ssh/id_ed25519.pub");
      }),
    );
  });

  test("a worker that the head has never met is reached, and its key is noted nowhere", async () => {
    await without(lab.head.homeFile(".ssh/known_hosts"), async () => {
      await check();

      expect(of("spark-2", "from_head")).toMatchObject({ state: "ok" });
      expect(of("spark-2", "from_head").seen).toContain("will note its identity at the first launch");
      expect(await Bun.file(lab.head.homeFile(".ssh/known_hosts")).exists()).toBe(false);
    });
  });

  test("a cable that is out between the Sparks is told from a refusal", async () => {
    await lab.worker.dropFrom(lab.head.address);

    await check();

    await lab.worker.undrop(lab.head.address);
    expect(failed()).toEqual(["spark-2 from_head"]);
    expect(of("spark-2", "from_head").seen).toBe(`spark-1 does not reach ${lab.worker.address}.`);
    expect(of("spark-2", "from_head").evidence).toContain("timed out");
  });

  test("a launch script that is missing or may not be run, an image that is not there", async () => {
    const script = lab.head.homeFile("spark-vllm-docker/launch-cluster.sh");
    await without(script, async () => {
      await check("registry.example/none:1");
      expect(failed().sort()).toEqual(["spark-1 image", "spark-1 launch_script", "spark-2 image"]);
      expect(of("spark-1", "image").evidence).toContain("No such image");
    });
    await chmod(script, 0o644);
    await check();
    const [line = ""] = of("spark-1", "launch_script").fix!.lines;
    await lab.head.exec(line);
    await check();
    expect(failed()).toEqual([]);
  });

  test("docker that the user may not use", async () => {
    const docker = join(lab.worker.homeFile(".."), "bin/docker");
    const why = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
    await without(docker, async () => {
      await writeFile(docker, `#!/bin/sh\necho '${why}' >&2\nexit 1\n`, { mode: 0o755 });
      await check();

      expect(failed()).toEqual(["spark-2 docker"]);
      expect(of("spark-2", "docker")).toMatchObject({
        evidence: why,
        fix: { lines: ["sudo usermod -aG docker alice"] },
      });
      expect(of("spark-2", "image").state).toBe("skipped");
    });
  });

  test("sshd that hangs, and a host that is off", async () => {
    await lab.worker.stopSshd();
    await check();
    await lab.worker.contSshd();
    expect(failed()).toEqual(["spark-2 reachable"]);
    expect(of("spark-2", "reachable").seen).toContain("did not complete the SSH handshake");

    await lab.worker.powerLoss();
    await check();
    await lab.worker.boot();
    expect(failed()).toEqual(["spark-2 reachable"]);

    await check();
    expect(failed()).toEqual([]);
  });

  test("a worker that was reinstalled is refused by the controller and by the head", async () => {
    await lab.worker.newHostKey();
    await lab.worker.reboot();

    await check();
    expect(failed()).toEqual(["spark-2 host_key"]);
    confirmAll();
    await check();

    expect(failed()).toEqual(["spark-2 from_head"]);
    expect(of("spark-2", "from_head").seen).toContain("remembers another identity");
    const [line = ""] = of("spark-2", "from_head").fix!.lines;
    expect((await lab.head.exec(line)).exitCode).toBe(0);
    await check();
    expect(failed()).toEqual([]);
  });
});
