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
