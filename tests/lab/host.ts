/** One host of the lab: a machine made of namespaces, with a disk that survives its reboots. */
import { appendFile, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { must, type Output, run, until } from "./command.ts";
import { hostAddress, plugIn, setCable, unplug } from "./network.ts";
import { type Process, readProcesses } from "./processes.ts";

const HERE = import.meta.dir;
const BOOT_LIMIT_MS = 30_000;
const TOTAL_GIB = 119.7;
const USUAL_FREE_GIB = 114;

export interface HostSpec {
  readonly name: string;
  /** 1 = head, 2 = worker. */
  readonly number: number;
  readonly subnet: number;
  readonly user: string;
  /** The host's disk: home, containers, SSH keys. */
  readonly disk: string;
  /** Image store shared by all hosts. */
  readonly images: string;
  /** Name below which the containers' cgroups hang. */
  readonly cgroup: string;
  /** Further variables of every session on the host, over SSH too. Values without blanks. */
  readonly environment: Readonly<Record<string, string>>;
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly user: string;
  readonly home: string;
  readonly sshPort = 22;
  private machine: Subprocess<"pipe", "ignore", "pipe"> | null = null;
  private initPid = 0;

  constructor(private readonly spec: HostSpec) {
    this.name = spec.name;
    this.user = spec.user;
    this.home = `/home/${spec.user}`;
    this.address = hostAddress(spec.subnet, spec.number);
  }

  /** The path, on this machine, of a file in the Spark user's home. */
  homeFile(path: string): string {
    return join(this.spec.disk, "home", path);
  }

  /** Fills the disk. @param names `address name` lines of all hosts */
  async install(names: string): Promise<void> {
    const { disk, user } = this.spec;
    const file = (path: string) => join(disk, path);
    for (const folder of ["home/.ssh", "home/.cache/huggingface/hub", "bin"])
      await mkdir(file(folder), { recursive: true });
    await copyFile(join(HERE, "host/docker.sh"), file("bin/docker"));
    await copyFile(join(HERE, "host/nvidia-smi.sh"), file("bin/nvidia-smi"));
    const passwd = await Bun.file("/etc/passwd").text();
    // The first line with uid 0 gives that uid its name and home.
    await Bun.write(file("passwd"), `${user}:*:0:0::${this.home}:/bin/bash\n${passwd}`);
    await Bun.write(file("hosts"), `127.0.0.1 localhost\n${names}`);
    await Bun.write(file("cgroup"), this.spec.cgroup);
    await this.setMemory(USUAL_FREE_GIB);
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", this.name, "-f", file("host_key")]);
    await must([
      "ssh-keygen",
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      `${user}@${this.name}`,
      "-f",
      file("home/.ssh/id_ed25519"),
    ]);
    await Bun.write(file("sshd_config"), sshdConfig(this.spec.environment));
  }

  /**
   * What `/proc/meminfo` says from now on: a Spark's 119.7 GiB, of which so much is available. It stays as it is set;
   * the stand-in of vLLM takes nothing of it. @param availableGib GiB
   */
  async setMemory(availableGib: number): Promise<void> {
    const kib = (gib: number) => Math.round(gib * 1024 * 1024);
    const lines = [
      ["MemTotal", kib(TOTAL_GIB)],
      ["MemFree", kib(availableGib * 0.9)],
      ["MemAvailable", kib(availableGib)],
      ["Buffers", 0],
      ["Cached", kib(availableGib * 0.1)],
      ["SwapTotal", 0],
      ["SwapFree", 0],
    ] as const;
    const text = lines.map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`).join("");
    await Bun.write(join(this.spec.disk, "meminfo"), text);
  }

  /** The line that identifies this host in a known_hosts file, without a name in front: `ssh-ed25519 AAAA…`. */
  async hostKey(): Promise<string> {
    const line = await Bun.file(join(this.spec.disk, "host_key.pub")).text();
    return line.split(" ").slice(0, 2).join(" ");
  }

  /** A reinstalled machine: another host key from the next boot on. */
  async newHostKey(): Promise<void> {
    const file = join(this.spec.disk, "host_key");
    await Promise.all([rm(file), rm(`${file}.pub`)]);
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", this.name, "-f", file]);
  }

  /** Public key of the Spark user. */
  publicKey(): Promise<string> {
    return Bun.file(this.homeFile(".ssh/id_ed25519.pub")).text();
  }

  /** Lets the owner of that key log in as the Spark user. @param publicKeyLine as in a `.pub` file */
  async authorize(publicKeyLine: string): Promise<void> {
    await appendFile(this.homeFile(".ssh/authorized_keys"), `${publicKeyLine.trim()}\n`, { mode: 0o600 });
  }

  /** Starts the machine and resolves when sshd answers. Takes well under a second. */
  async boot(): Promise<void> {
    if (this.machine) throw new Error(`${this.name} is already on`);
    const { disk, images, name, user, number, subnet } = this.spec;
    await rm(join(disk, "up"), { force: true });
    const namespaces = [
      "--mount",
      "--net",
      "--uts",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "--propagation",
      "private",
    ];
    const machine = Bun.spawn(
      ["unshare", ...namespaces, "/bin/bash", join(HERE, "host/init.sh"), disk, images, name, user, this.address],
      {
        stdin: "pipe",
        stdout: "ignore",
        stderr: "pipe",
      },
    );
    this.machine = machine;
    const gone = () => machine.exitCode !== null;
    const hasChild = async () => {
      this.initPid = await childOf(machine.pid);
      return this.initPid > 0;
    };
    await until(`${name} has a first process`, async () => gone() || (await hasChild()), BOOT_LIMIT_MS);
    if (!gone()) await plugIn(subnet, number, this.initPid);
    if (!gone()) machine.stdin.write("network\n");
    await machine.stdin.flush();
    await until(`${name} runs sshd`, async () => gone() || (await Bun.file(join(disk, "up")).exists()), BOOT_LIMIT_MS);
    if (gone()) throw new Error(`${name} died while booting: ${await new Response(machine.stderr).text()}`);
  }

  /** Runs a shell command line as the Spark user, without SSH. */
  exec(command: string): Promise<Output> {
    const home = this.home;
    const env = {
      HOME: home,
      USER: this.user,
      LOGNAME: this.user,
      SHELL: "/bin/bash",
      PATH: HOST_PATH,
      ...this.spec.environment,
    };
    return run(
      ["nsenter", "-t", String(this.initPid), "-m", "-n", "-u", "-p", `--wdns=${home}`, "/bin/bash", "-c", command],
      { env },
    );
  }

  /** Everything that runs on the host, containers included. Empty while it is off. */
  processes(): Promise<Process[]> {
    return this.machine ? readProcesses(this.initPid) : Promise.resolve([]);
  }

  linkDown(): Promise<void> {
    return setCable(this.spec.subnet, this.spec.number, "down");
  }

  linkUp(): Promise<void> {
    return setCable(this.spec.subnet, this.spec.number, "up");
  }

  /**
   * Silently drops everything between this host and that address, open connections included. Ends with `undrop` or a
   * reboot. @param address the lab's `controllerAddress`, or the other host's
   */
  async dropFrom(address: string): Promise<void> {
    await this.iptables("-I", "INPUT", "-s", address, "-j", "DROP");
    await this.iptables("-I", "OUTPUT", "-d", address, "-j", "DROP");
  }

  /** Lifts `dropFrom` for that address. */
  async undrop(address: string): Promise<void> {
    await this.iptables("-D", "INPUT", "-s", address, "-j", "DROP");
    await this.iptables("-D", "OUTPUT", "-d", address, "-j", "DROP");
  }

  /** Answers every packet to the SSH port with a reset, those of open sessions too. */
  async rejectSsh(): Promise<void> {
    await this.iptables("-I", "INPUT", ...SSH_RESET);
  }

  /** Lifts `rejectSsh`. */
  async allowSsh(): Promise<void> {
    await this.iptables("-D", "INPUT", ...SSH_RESET);
  }

  /** SIGSTOP to the listening sshd: connections are accepted by the kernel and then hang; open sessions go on. */
  async stopSshd(): Promise<void> {
    await this.expect("kill -STOP $(cat /run/sshd.pid)");
  }

  async contSshd(): Promise<void> {
    await this.expect("kill -CONT $(cat /run/sshd.pid)");
  }

  /** Everything ends, connections are closed properly, the host comes back with another boot id. */
  async reboot(): Promise<void> {
    await this.kill();
    await unplug(this.spec.subnet, this.spec.number);
    await this.boot();
  }

  /** The power fails: no packet says goodbye. The host stays off until `boot()`. */
  async powerLoss(): Promise<void> {
    await unplug(this.spec.subnet, this.spec.number);
    await this.kill();
  }

  private async kill(): Promise<void> {
    const machine = this.machine;
    if (!machine) return;
    this.machine = null;
    // Only the first process: the kernel takes the rest of the namespace with it.
    if (this.initPid > 0 && machine.exitCode === null) process.kill(this.initPid, "SIGKILL");
    await machine.exited;
    this.initPid = 0;
  }

  private async iptables(...args: string[]): Promise<void> {
    await must(["nsenter", "-t", String(this.initPid), "-n", "iptables", "-w", ...args]);
  }

  private async expect(command: string): Promise<void> {
    const { exitCode, stderr } = await this.exec(command);
    if (exitCode !== 0) throw new Error(`${this.name}: ${command} exited with ${exitCode}: ${stderr}`);
  }
}

const HOST_PATH = "/run/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const SSH_RESET = ["-p", "tcp", "--dport", "22", "-j", "REJECT", "--reject-with", "tcp-reset"];

function sshdConfig(environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => ` ${name}=${value}`);
  // Without PAM the password field "*" locks nothing; StrictModes would object to the temporary folder above the home.
  return `Port 22
HostKey /run/lab/host_key
PidFile /run/sshd.pid
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AuthorizedKeysFile .ssh/authorized_keys
UseDNS no
SetEnv PATH=${HOST_PATH}${variables.join("")}
`;
}

/** The only child of a process, or 0 while it has none. */
async function childOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return Number(children.trim().split(" ")[0] ?? 0);
}
