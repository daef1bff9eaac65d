/**
 * The container image of the lab: BusyBox, bash, Bun with the libraries they need, and the stand-ins of `vllm`, `ray`
 * and `python3`. Built once per content into an image store that every host's podman reads (so both have the same id).
 */
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "./command.ts";

export const IMAGE_NAME = "vllm-node";

const HERE = import.meta.dir;
const STAND_INS = ["vllm", "ray", "python3"] as const;
const BUSYBOX = "/bin/busybox";

/** Title of the process as it is in the real image, where the command is a Python script. */
const TITLES = { vllm: "/usr/bin/python3", ray: "/usr/bin/python3", python3: "python3" } as const;
const SCRIPTS = { vllm: "/opt/vllm/bin/vllm", ray: "/opt/vllm/bin/ray", python3: "/opt/vllm/lib/python3" } as const;

/** Shared libraries and the loader that a program needs, by their paths on this machine. */
async function libraries(program: string): Promise<string[]> {
  const listing = await must(["ldd", program]);
  return [...listing.matchAll(/(\/[^\s]+)(?= \(0x)/g)].map((match) => match[1] ?? "");
}

async function bundles(): Promise<Map<string, string>> {
  const result = await Bun.build({
    entrypoints: STAND_INS.map((name) => join(HERE, "vllm", `${name}.ts`)),
    target: "bun",
  });
  const texts = new Map<string, string>();
  for (const output of result.outputs) texts.set(output.path.replace(/^.*\/|\.js$/g, ""), await output.text());
  return texts;
}

async function layOut(root: string, programs: ReadonlyMap<string, string>): Promise<void> {
  const folders = [
    "bin",
    "usr/bin",
    "usr/local/bin",
    "opt/vllm/bin",
    "opt/vllm/lib",
    "root",
    "tmp",
    "var/tmp",
    "etc",
    "workspace",
    "proc",
    "sys",
    "dev",
    "run",
  ];
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  const files: [string, string][] = [
    [BUSYBOX, "/bin/busybox"],
    ["/bin/bash", "/bin/bash"],
    [process.execPath, "/usr/local/bin/bun"],
  ];
  for (const program of ["/bin/bash", process.execPath])
    for (const path of await libraries(program)) files.push([path, path]);
  for (const [from, to] of files) {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await copyFile(from, join(root, to));
    await chmod(join(root, to), 0o755);
  }
  for (const applet of (await must([BUSYBOX, "--list"])).split("\n").filter((name) => name && name !== "busybox"))
    await symlink("busybox", join(root, "bin", applet)).catch(() => {});
  for (const name of STAND_INS) {
    await Bun.write(join(root, SCRIPTS[name]), programs.get(name) ?? "");
    const launcher = join(root, "usr/local/bin", name);
    await Bun.write(launcher, `#!/bin/bash\nexec -a ${TITLES[name]} /usr/local/bin/bun ${SCRIPTS[name]} "$@"\n`);
    await chmod(launcher, 0o755);
  }
  await copyFile(join(HERE, "image/run-cluster-node.sh"), join(root, "workspace/run-cluster-node.sh"));
  await chmod(join(root, "workspace/run-cluster-node.sh"), 0o755);
  await Bun.write(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n");
  await Bun.write(join(root, "etc/group"), "root:x:0:\n");
  await Bun.write(join(root, "root/.bashrc"), "");
}

async function contentHash(programs: ReadonlyMap<string, string>): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const [name, text] of programs) hash.update(`${name}\0${text}\0`);
  for (const path of ["image.ts", "image/run-cluster-node.sh"]) hash.update(await Bun.file(join(HERE, path)).text());
  for (const path of [BUSYBOX, "/bin/bash", process.execPath]) hash.update(`${path} ${(await stat(path)).size}`);
  return hash.update(Bun.version).digest("hex").slice(0, 16);
}

/**
 * Builds the image unless this very content is there.
 * @param cache folder for image stores; kept between runs
 * @returns the folder of the image store, for podman's `additionalimagestore`
 */
export async function ensureImage(
  cache = join(process.env.LAB_FOLDER ?? tmpdir(), "spark-lab-images"),
): Promise<string> {
  const programs = await bundles();
  const store = join(cache, await contentHash(programs));
  if (await stat(store).catch(() => null)) return store;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "building-"));
  try {
    await layOut(join(work, "root"), programs);
    await must(["tar", "-C", join(work, "root"), "-cf", join(work, "image.tar"), "."]);
    // Namespaces of its own: podman leaves a mount of its store and a lock segment in /dev/shm behind.
    await must(["unshare", "--mount", "--propagation", "private", "bash", "-c", IMPORT, "import", work, IMAGE_NAME]);
    // Another run may have finished the same content meanwhile; either is good.
    await rename(join(work, "store"), store).catch(async (error: unknown) => {
      if (!(await stat(store).catch(() => null))) throw error;
    });
    return store;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const IMPORT = `
set -e
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
podman --root "$1/store" --runroot /run/pod --tmpdir /run/libpod --storage-driver overlay --cgroup-manager cgroupfs \\
  --runtime runc --events-backend file import \\
  -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin' -c 'ENV HOME=/root' -c 'WORKDIR /workspace' -c 'CMD ["bash"]' \\
  "$1/image.tar" "$2"
`;
