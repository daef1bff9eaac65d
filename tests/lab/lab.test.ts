/** The lab as a whole: what it hands out, that two can exist, and that nothing stays behind. */
import { expect, test } from "bun:test";
import { type FileHandle, open, readdir, readFile, readlink, stat } from "node:fs/promises";
import { YAML } from "bun";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import { until } from "./command.ts";
import { type Lab, startLab } from "./lab.ts";
import { launch, ready } from "./launch.ts";
import { cgroupFolders, labFolder, sweep } from "./leftovers.ts";
import { bridgeName, portName } from "./network.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("the lab as a whole", available, how);

const LIMIT_MS = 90_000;
const SERVE = ["vllm", "serve", "org/model", "--host", "0.0.0.0", "--port", "8888"];

const subnetOf = (address: string): number => Number(address.split(".")[2]);

/** What a lab of that subnet has left on this machine. */
async function leftovers(subnet: number): Promise<string[]> {
  const links = await readdir("/sys/class/net");
  const named = [bridgeName(subnet), portName(subnet, 1), portName(subnet, 2)].filter((name) => links.includes(name));
  const cgroups = [...(await cgroupFolders(subnet, 1)), ...(await cgroupFolders(subnet, 2))];
  const mounts = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .filter((line) => line.includes(labFolder(subnet)));
  const processes: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const args = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (args.includes(`10.77.${subnet}.`) || args.includes(labFolder(subnet))) processes.push(args);
  }
  const folder = (await stat(labFolder(subnet)).catch(() => null)) ? [labFolder(subnet)] : [];
  return [...named, ...cgroups, ...mounts, ...processes, ...folder];
}

/** The network namespaces in which any process of this machine lives: `net:[4026532…]`. */
async function networkNamespaces(): Promise<Set<string>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return new Set(await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => ""))));
}

/** The namespaces of a lab's hosts, held open: as long as they are, no other lab's is given the same number. */
async function holdNamespaces(subnet: number): Promise<FileHandle[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const held: FileHandle[] = [];
  for (const pid of pids) {
    const args = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (args.includes("init.sh\0") && args.includes(`${labFolder(subnet)}/`))
      held.push(await open(`/proc/${pid}/ns/net`));
  }
  return held;
}

describeLab("the lab as a whole", () => {
  test(
    "hands out a topology that names both Sparks and one slot",
    async () => {
      const lab = await startLab({ dialect: "new" });
      await lab.close();
      const topology = YAML.parse(lab.topologyYaml) as { nodes: object[]; slots: object[] };
      expect(topology.nodes).toEqual(
        lab.hosts.map((host) => ({
          name: host.name,
          host: host.address,
          user: "alice",
          ssh_port: 22,
          address: host.address,
          launch_dir: "~/spark-vllm-docker",
          eth_if: "enp1s0f1np1",
          ib_if: "rocep1s0f1",
        })),
      );
      expect(topology.slots).toEqual([
        { name: "main", nodes: ["spark-1", "spark-2"], port: 8888, container: "vllm_node", image: "vllm-node" },
      ]);
    },
    LIMIT_MS,
  );

  test(
    "two labs run side by side, and closing them leaves nothing",
    async () => {
      const inside: string[] = [];
      const held: FileHandle[] = [];
      const labs = await Promise.all([startLab({ dialect: "new" }), startLab({ dialect: "new" })]);
      const close = () => Promise.all(labs.map((lab) => lab.close()));
      try {
        const start = async (lab: Lab) => ready(lab, await launch(lab, { command: SERVE, nodes: 2 }));
        await Promise.all(labs.map(start));
        for (const host of labs.flatMap((lab) => lab.hosts))
          inside.push((await host.exec("readlink /proc/self/ns/net")).stdout.trim());
        expect(new Set(inside).size).toBe(4);
        const subnets = labs.map((lab) => subnetOf(lab.controllerAddress));
        expect(new Set(subnets).size).toBe(2);
        for (const subnet of subnets) held.push(...(await holdNamespaces(subnet)));
        expect(held.length).toBeGreaterThanOrEqual(4);
        for (const subnet of subnets) expect((await leftovers(subnet)).length).toBeGreaterThan(4);
      } finally {
        await close();
      }
      for (const lab of labs) expect(await leftovers(subnetOf(lab.controllerAddress))).toEqual([]);
      const namespaces = await networkNamespaces();
      await Promise.all(held.map((handle) => handle.close()));
      expect(inside.filter((name) => namespaces.has(name))).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "a lab whose owner was killed dies with it and is swept away by the next",
    async () => {
      const code = `
      import { startLab } from ${JSON.stringify(`${import.meta.dir}/lab.ts`)};
      const lab = await startLab({ dialect: "new" });
      await lab.head.exec("docker run -d --rm --network host --name x vllm-node sleep infinity");
      console.log(lab.controllerAddress);
      await Promise.withResolvers().promise;
    `;
      const owner = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit", stdin: "pipe" });
      const { value } = await owner.stdout.getReader().read();
      const subnet = subnetOf(new TextDecoder().decode(value));
      expect(await leftovers(subnet)).not.toEqual([]);
      owner.kill("SIGKILL");
      await owner.exited;
      await sweep();
      await until("nothing is left", async () => (await leftovers(subnet)).length === 0, LIMIT_MS);
    },
    LIMIT_MS,
  );
});
