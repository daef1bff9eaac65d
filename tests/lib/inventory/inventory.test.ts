/** Looking at the disks: on the simulated Sparks over SSH, and with a real `du` behind a real sshd. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../lib/fault.ts";
import { Inventory } from "../../../lib/inventory/inventory.ts";
import { diskUsage } from "../../../lib/spark/disk-usage.ts";
import { SparkSsh } from "../../../lib/spark/spark-ssh.ts";
import { createSsh } from "../../../lib/ssh/connection-pool.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { type Demo, startDemo } from "../../support/demo.ts";
import { requirement } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { SSHD_AVAILABLE, SSHD_HOW, startSshd } from "../ssh/sshd.ts";
import { aModel, aNode, aTopology } from "../swap/_fixtures.ts";

setDefaultTimeout(30_000);

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

const NEW_MODEL = "models:\n  fresh:\n    name: Fresh\n    repo: acme/fresh-8b\n    size_gb: 16\n";

test("the list of models says where each lies, whether it fits, and follows the disk", async () => {
  demo = await startDemo({ files: { "models-overrides.yaml": NEW_MODEL } });
  const models = async () => (await (await fetch(`${demo!.url}/api/models`)).json()) as { models: { key: string }[] };
  const model = async (key: string) => (await models()).models.find((each) => each.key === key);
  await until("the disks were looked at", async () => JSON.stringify(await models()).includes('"on_disk":[{'));
  await demo.plane.slots.lookAtNodes();

  expect(await model("glm-4.5-air")).toMatchObject({ availability: "on_disk", fit: { verdict: "fits", reason: null } });
  expect(await model("fresh")).toMatchObject({ availability: "needs_download", on_disk: [] });

  demo.cluster.nodes[0]!.files.addFolder("/home/spark/.cache/huggingface/hub/models--acme--fresh-8b", 16_000_000);
  await demo.plane.inventory.look();
  expect(await model("fresh")).toMatchObject({
    availability: "on_disk",
    on_disk: [{ node: "spark-1", bytes: 16_000_000 * 1024 }],
  });
});

test("what cannot be loaded now says why: a folder that is not there, a Spark out of reach", async () => {
  const local = "models:\n  gone: { name: Gone, local_path: /home/spark/models/gone, size_gb: 8 }\n";
  demo = await startDemo({ files: { "models-overrides.yaml": local } });
  type Listed = { key: string; nodes: number; not_now: string | null; load_seconds_estimate: number | null };
  const models = async () => ((await (await fetch(`${demo!.url}/api/models`)).json()) as { models: Listed[] }).models;
  const gone = async () => (await models()).find(({ key }) => key === "gone");
  await demo.plane.slots.lookAtNodes();
  await until("the disks were looked at", async () => (await gone())?.not_now !== null);

  expect(await gone()).toMatchObject({ availability: "missing", not_now: "Its folder is missing on spark-1." });
  expect((await models()).filter(({ not_now }) => not_now !== null).map(({ key }) => key)).toEqual(["gone"]);
  expect((await gone())?.load_seconds_estimate).toBeGreaterThan(0);

  demo.cluster.inject({ kind: "unreachable", how: "reset", node: "spark-2" });
  await until("spark-2 is out of reach", async () => {
    await demo!.plane.slots.lookAtNodes();
    return demo!.plane.slots.node("spark-2")?.reachable === false;
  });
  const away = (await models()).filter(({ not_now }) => not_now === "spark-2 is not reachable.");
  expect(away.length).toBeGreaterThan(0);
  expect(away.every(({ nodes }) => nodes === 2)).toBe(true);
});

test("a plan for what is not on the disk says that it is downloaded first", async () => {
  demo = await startDemo({ files: { "models-overrides.yaml": NEW_MODEL } });
  await demo.plane.inventory.look();

  const plan = await demo.plane.swaps.plan({ model: "fresh" }, AbortSignal.timeout(20_000));

  expect(plan.download).toEqual({ nodes: ["spark-1"], begun: false, bytes: 16e9 });
  expect(plan.warnings.map(({ code }) => code)).toContain("needs_download");
});

test("a Spark that cannot be asked keeps what was seen before; a change is told once", async () => {
  let answer: () => number[] = () => [5];
  let changes = 0;
  const inventory = new Inventory({
    intervalMs: 1e9,
    topology: () => aTopology({ nodes: [aNode("spark-1")] }),
    catalog: () => ({ models: [aModel()], problems: [] }),
    usage: async () => answer(),
    onChange: () => changes++,
    report: (error) => {
      throw error;
    },
  });

  await inventory.look();
  await inventory.look();
  answer = () => {
    throw new Fault("upstream", "ssh_network", "away");
  };
  await inventory.look();

  expect([...(inventory.use.get("spark-1")?.values() ?? [])]).toEqual([5]);
  expect(changes).toBe(1);
});

requirement(
  "du behind a real sshd",
  SSHD_AVAILABLE,
  SSHD_HOW,
)("with OpenSSH", () => {
  test("sizes of folders, null for one that is not there, whatever their names", async () => {
    const sshd = await startSshd();
    const known = mkdtempSync(join(tmpdir(), "spark-known-"));
    const ssh = createSsh({ privateKey: sshd.privateKey, hostKeys: openHostKeys({ file: join(known, "known.json") }) });
    try {
      const odd = "o'dd $(touch x) folder";
      mkdirSync(join(sshd.home, odd));
      writeFileSync(join(sshd.home, odd, "weights"), new Uint8Array(300_000));
      const { host, port, user } = sshd.target;
      const node = aNode("spark-1", { host, ssh_port: port, user });

      const sizes = await diskUsage(
        new SparkSsh(ssh, 10_000),
        node,
        [`~/${odd}`, "~/nothing", "/etc/ssh"],
        AbortSignal.timeout(20_000),
      );

      expect(sizes[0]).toBeGreaterThanOrEqual(300_000);
      expect(sizes[1]).toBeNull();
      expect(sizes[2]).toBeGreaterThan(0);
    } finally {
      await ssh.close();
      await sshd.remove();
      rmSync(known, { recursive: true });
    }
  });
});
