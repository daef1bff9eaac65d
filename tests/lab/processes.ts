/** The process table of a host, containers included, read from the host's own /proc. */
import { readdir, readFile } from "node:fs/promises";

export interface Process {
  /** As seen inside the host. */
  readonly pid: number;
  readonly ppid: number;
  readonly argv: readonly string[];
  /** The words joined by blanks. */
  readonly args: string;
}

export type VllmRole = "server" | "headless" | "engine" | "rank";

export interface VllmProcess extends Process {
  /** server: answers HTTP. headless: main process of a worker node. engine and rank are the children doing the work. */
  readonly role: VllmRole;
}

/**
 * @param init pid of the host's first process, as this machine counts
 * @returns what runs; processes that have ended and wait to be reaped are left out
 */
export async function readProcesses(init: number): Promise<Process[]> {
  const proc = `/proc/${init}/root/proc`;
  const found: Process[] = [];
  for (const name of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`${proc}/${name}/stat`, "utf8");
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const cmdline = await readFile(`${proc}/${name}/cmdline`, "utf8");
      if (state === "Z" || state === "X" || cmdline === "") continue;
      const argv = cmdline.replace(/\0$/, "").split("\0");
      found.push({ pid: Number(name), ppid: Number(ppid), argv, args: argv.join(" ") });
    } catch {
      // Ended between the listing and the reading.
    }
  }
  return found;
}

function role({ argv }: Process): VllmRole | null {
  const [title = "", command = "", action] = argv;
  if (title === "VLLM::EngineCore") return "engine";
  if (title.startsWith("VLLM::Worker")) return "rank";
  // Shells and clients that carry the same words in their arguments are not vLLM.
  if (!/(^|\/)python3?$/.test(title) || !command.endsWith("/vllm") || action !== "serve") return null;
  return argv.includes("--headless") ? "headless" : "server";
}

/** The vLLM processes of a host. "One vLLM per slot" means: at most one `server` on its head. */
export async function vllmProcesses(host: { processes(): Promise<Process[]> }): Promise<VllmProcess[]> {
  return (await host.processes()).flatMap((process) => {
    const is = role(process);
    return is ? [{ ...process, role: is }] : [];
  });
}
