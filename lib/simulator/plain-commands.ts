/** The small commands of a simulated host. */
import { type Invocation, type Program, sh } from "./invocation.ts";
import { procFile } from "./proc-files.ts";
import { HOME, LAUNCH_SCRIPT, USER } from "./spark.ts";

const DISK_KB = 3_844_550_000;
const DISK_USED_KB = 1_126_400_000;

function absolute(call: Invocation, path: string): string {
  return path.startsWith("/") ? path : `${call.cwd}/${path}`;
}

/** The text of a file as this host has it now. */
export function fileText(call: Pick<Invocation, "spark">, path: string): string | undefined {
  const { spark } = call;
  if (path === LAUNCH_SCRIPT && spark.faults.pending("launch_script_missing", spark.name)) return undefined;
  if (path === `${HOME}/.spark-control/instance`)
    return spark.jobs.instance === null ? undefined : `${spark.jobs.instance}\n`;
  if (path === `${HOME}/.spark-control/generation`) {
    return spark.jobs.instance === null ? undefined : `${spark.jobs.generation}\n`;
  }
  const [, job] = /^\/.*\/\.spark-control\/jobs\/([^/]+)\/command$/.exec(path) ?? [];
  if (job !== undefined)
    return spark.jobs
      .get(job)
      ?.argv.map((word) => `${word}\n`)
      .join("");
  return procFile(spark, path) ?? spark.files.text(path);
}

const cat: Program = (call) => {
  let code = 0;
  for (const path of call.argv.slice(1)) {
    const text = fileText(call, absolute(call, path));
    if (text === undefined) code = sh(call, `cat: ${path}: No such file or directory`, 1);
    else call.stdio.out(text);
  }
  return code;
};

const date: Program = (call) => {
  if (call.argv[1] !== "+%s") return sh(call, `date: only +%s is simulated`, 1);
  call.stdio.out(`${Math.floor(call.spark.now().getTime() / 1000)}\n`);
  return 0;
};

const df: Program = (call) => {
  const path = call.argv.at(-1) ?? "/";
  if (!call.spark.files.isFolder(path)) return sh(call, `df: ${path}: No such file or directory`, 1);
  const full = call.spark.faults.pending("disk_full", call.spark.name);
  const used = full ? DISK_KB : DISK_USED_KB;
  call.stdio.out("Filesystem     1024-blocks       Used  Available Capacity Mounted on\n");
  const percent = Math.ceil((used / DISK_KB) * 100);
  call.stdio.out(`/dev/nvme0n1p2  ${DISK_KB} ${used} ${DISK_KB - used}      ${percent}% /\n`);
  return 0;
};

const test: Program = (call) => {
  const [, flag, path = ""] = call.argv;
  const where = absolute(call, path);
  const isFolder = call.spark.files.isFolder(where);
  const isFile = fileText(call, where) !== undefined;
  if (flag === "-d") return isFolder ? 0 : 1;
  if (flag === "-f" || flag === "-x" || flag === "-r") return isFile ? 0 : 1;
  if (flag === "-e") return isFolder || isFile ? 0 : 1;
  return sh(call, `test: ${flag ?? ""}: unexpected operator`, 2);
};

const ls: Program = (call) => {
  const path = call.argv.at(-1) ?? "";
  const names = call.spark.files.list(absolute(call, path));
  if (!names) return sh(call, `ls: cannot access '${path}': No such file or directory`, 2);
  call.stdio.out(names.map((name) => `${name}\n`).join(""));
  return 0;
};

const du: Program = (call) => {
  let code = 0;
  for (const path of call.argv.slice(1).filter((word) => !word.startsWith("-"))) {
    const size = call.spark.files.usedKb(absolute(call, path));
    if (size === undefined) code = sh(call, `du: cannot access '${path}': No such file or directory`, 1);
    else call.stdio.out(`${size}\t${path}\n`);
  }
  return code;
};

const uptime: Program = (call) => {
  const minutes = Math.floor((Date.now() - call.spark.bootedAt) / 60_000);
  const clock = call.spark.now().toISOString().slice(11, 19);
  const up = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  call.stdio.out(` ${clock} up ${up},  1 user,  load average: 0.42, 0.37, 0.31\n`);
  return 0;
};

const ip: Program = (call) => {
  const words = call.argv.slice(1).join(" ");
  if (words !== "-d -j addr" && words !== "addr") return sh(call, "ip: only -d -j addr and addr are simulated", 1);
  const { index, address } = call.spark;
  const inet = (local: string, prefixlen: number) => [{ family: "inet", local, prefixlen, scope: "global" }];
  const ether = { link_type: "ether", operstate: "UP", flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], mtu: 1500 };
  const links = [
    {
      ifindex: 1,
      ifname: "lo",
      link_type: "loopback",
      operstate: "UNKNOWN",
      flags: ["LOOPBACK", "UP", "LOWER_UP"],
      mtu: 65_536,
      address: "00:00:00:00:00:00",
      addr_info: inet("127.0.0.1", 8),
    },
    {
      ifindex: 2,
      ifname: "enP7s7",
      ...ether,
      address: `02:00:00:00:00:0${index % 10}`,
      addr_info: inet(`10.77.1.${10 + index}`, 24),
    },
    {
      ifindex: 3,
      ifname: "enp1s0f1np1",
      ...ether,
      mtu: 9000,
      address: `02:00:00:00:01:0${index % 10}`,
      addr_info: inet(address, 24),
    },
    {
      ifindex: 4,
      ifname: "wg0",
      link_type: "none",
      operstate: "UNKNOWN",
      flags: ["POINTOPOINT", "NOARP", "UP", "LOWER_UP"],
      mtu: 1420,
      linkinfo: { info_kind: "wireguard" },
      addr_info: inet(`10.77.2.${10 + index}`, 32),
    },
    {
      ifindex: 5,
      ifname: "docker0",
      ...ether,
      operstate: "DOWN",
      linkinfo: { info_kind: "bridge" },
      addr_info: inet("172.17.0.1", 16),
    },
  ];
  call.stdio.out(words === "addr" ? links.map(asText).join("") : `${JSON.stringify(links)}\n`);
  return 0;
};

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link_type: string;
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

function asText(link: Link): string {
  const { ifindex, ifname, flags, mtu, operstate, link_type, address, addr_info } = link;
  const inet = addr_info.map(({ local, prefixlen }) => `    inet ${local}/${prefixlen} scope global ${ifname}\n`);
  const head = `${ifindex}: ${ifname}: <${flags.join(",")}> mtu ${mtu} state ${operstate}`;
  return `${head}\n    link/${link_type}${address === undefined ? "" : ` ${address}`}\n${inet.join("")}`;
}

/** Pids of what holds the containers, apart from those of the processes. */
const HOLDER_PIDS = 1_000_000;

/** `ps -e --cols 4096 -o pid,ppid,args`: the process table of the whole host, each container's below the one that holds it. */
const ps: Program = (call) => {
  if (call.argv.slice(1).join(" ") === "-e -o pid,rss,args") return sizes(call);
  if (call.argv.slice(1).join(" ") !== "-e --cols 4096 -o pid,ppid,args")
    return sh(call, "ps: only -e --cols 4096 -o pid,ppid,args is simulated", 1);
  const { docker, processes } = call.spark;
  const row = (pid: number, parent: number, line: string) =>
    call.stdio.out(`${String(pid).padStart(7)} ${String(parent).padStart(7)} ${line}\n`);
  call.stdio.out("    PID    PPID COMMAND\n");
  row(1, 0, "/sbin/init");
  const holders = new Map<string, number>();
  for (const { id, running, mainPid } of docker.all()) {
    if (!running) continue;
    holders.set(id, HOLDER_PIDS + mainPid);
    const socket = "/run/containerd/containerd.sock";
    row(HOLDER_PIDS + mainPid, 1, `/usr/bin/containerd-shim-runc-v2 -namespace moby -id ${id} -address ${socket}`);
  }
  for (const { pid, argv, container } of processes.all())
    row(pid, (container === null ? undefined : holders.get(container)) ?? 1, argv.join(" ").replaceAll("\n", "?"));
  return 0;
};

/** `ps -e -o pid,rss,args`: what a process holds in unified memory counts as the GPU's, if it uses that. */
function sizes({ spark, stdio }: Invocation): number {
  stdio.out("    PID   RSS COMMAND\n      1 13204 /sbin/init\n");
  for (const { pid, argv, memoryKb, usesGpu } of spark.processes.all()) {
    const resident = usesGpu ? Math.min(memoryKb, 2_400_000) : memoryKb;
    stdio.out(`${String(pid).padStart(7)} ${Math.round(resident)} ${argv.join(" ").replaceAll("\n", "?")}\n`);
  }
  return 0;
}

const HOST_UNREACHABLE = 255;

/** `ssh [-o OPTION]… ADDRESS true`: whether this host may log in at another one. */
const ssh: Program = (call) => {
  const words = call.argv.slice(1).filter((word, index, all) => word !== "-o" && all[index - 1] !== "-o");
  const [address = ""] = words;
  const other = call.cluster.find((spark) => spark.address === address && spark !== call.spark);
  const fail = (why: string) => sh(call, why, HOST_UNREACHABLE);
  if (other === undefined) return fail(`ssh: connect to host ${address} port 22: No route to host`);
  if (other.network.state === "silent") return fail(`ssh: connect to host ${address} port 22: Connection timed out`);
  if (!other.sshListening) return fail(`ssh: connect to host ${address} port 22: Connection refused`);
  if (other.faults.pending("worker_ssh_denied", other.name))
    return fail(`${USER}@${address}: Permission denied (publickey,password).`);
  return 0;
};

const say =
  (text: (call: Invocation) => string): Program =>
  (call) => {
    call.stdio.out(`${text(call)}\n`);
    return 0;
  };

export const PLAIN_COMMANDS: Readonly<Record<string, Program>> = {
  cat,
  date,
  df,
  test,
  ls,
  du,
  uptime,
  ip,
  ps,
  true: () => 0,
  false: () => 1,
  echo: say(({ argv }) => argv.slice(1).join(" ")),
  hostname: say(({ spark }) => spark.name),
  whoami: say(() => USER),
  uname: say(() => "aarch64"),
  ssh,
  sleep: async ({ spark, argv, signal }) => {
    await spark.scheduler.sleep(Number(argv[1]), signal);
    return 0;
  },
};
