/**
 * The vLLM servers of a whole host, from its process table: processes of containers stand in it too, below the process
 * with which docker (containerd-shim) or podman (conmon) holds the container. Pure; tolerates output that is cut or odd.
 */
import type { Stranger } from "../swap/cluster.ts";
import { withoutSecrets } from "./views.ts";

/** What `vllm serve` listens on without `--port` (docs.vllm.ai, "vllm serve"). */
const VLLM_DEFAULT_PORT = 8000;

/** The server itself: a shell, ssh, `docker exec` or a launch script carries the same words behind words of its own. */
const SERVER =
  /^(?:\S*\/)?(?:python[\d.]*\s+(?:-\S+\s+)*)?(?:(?:\S*\/)?vllm\s+serve|vllm\.entrypoints\.cli\.main\s+serve|vllm\.entrypoints\.openai\.api_server)(?=\s|$)(.*)$/;
const HOLDERS = [
  { holder: /^(?:\S*\/)?containerd-shim\S* /, id: /\s-id ([0-9a-f]{12,64})(?=\s|$)/, name: null },
  { holder: /^(?:\S*\/)?conmon /, id: /\s-c ([0-9a-f]{12,64})(?=\s|$)/, name: /\s-n ([\w.-]+)(?=\s|$)/ },
] as const;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly line: string;
}

/** Which container a process runs in. */
export interface Held {
  readonly id: string;
  /** Null where the process table does not tell. */
  readonly name: string | null;
}

export interface VllmServer extends Omit<Stranger, "container"> {
  /** Null: it runs in no container. */
  readonly container: Held | null;
}

/** From `ps -e --cols 4096 -o pid,ppid,args`. A child shows the server's line in the moment of its birth: it counts once. */
export function readVllmServers(output: string): VllmServer[] {
  const rows = new Map<number, Row>();
  for (const text of output.split("\n")) {
    const [, pid, parent, line] = /^\s*(\d+)\s+(\d+)\s+(\S.*)$/.exec(text) ?? [];
    if (line !== undefined) rows.set(Number(pid), { pid: Number(pid), parent: Number(parent), line: line.trim() });
  }
  const servers: VllmServer[] = [];
  for (const { pid, parent, line } of rows.values()) {
    const rest = SERVER.exec(line)?.[1];
    if (rest === undefined || rows.get(parent)?.line === line) continue;
    const named = /\s--model[ =](\S+)/.exec(rest)?.[1] ?? /^\s+([^\s-]\S*)/.exec(rest)?.[1];
    const port = /\s--headless(?=\s|$)/.test(rest)
      ? null
      : Number(/\s--port[ =](\d+)/.exec(rest)?.[1] ?? VLLM_DEFAULT_PORT);
    servers.push({
      pid,
      model: named ?? "a model of its own choice",
      port,
      container: holderOf(pid, rows),
      commandLine: withoutSecrets(line),
    });
  }
  return servers;
}

function holderOf(pid: number, rows: ReadonlyMap<number, Row>): Held | null {
  const passed = new Set<number>();
  for (let row = rows.get(pid); row && !passed.has(row.pid); row = rows.get(row.parent)) {
    passed.add(row.pid);
    for (const { holder, id, name } of HOLDERS) {
      const found = holder.test(row.line) ? id.exec(row.line)?.[1] : undefined;
      if (found !== undefined) return { id: found, name: name?.exec(row.line)?.[1] ?? null };
    }
  }
  return null;
}

/** Names by id (12 characters), from `docker ps --format json`: one object a line. */
export function readContainerNames(output: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of output.split("\n")) {
    const id = /"ID":\s*"([0-9a-f]{12})/.exec(line)?.[1];
    const name = /"Names":\s*"([^",]+)/.exec(line)?.[1];
    if (id !== undefined && name !== undefined) names.set(id, name);
  }
  return names;
}

/** Id of the container that `docker inspect` shows; null when it shows none. */
export function readContainerId(output: string): string | null {
  return /^\s*"Id":\s*"([0-9a-f]{12,64})"/m.exec(output)?.[1] ?? null;
}

export function sameContainer(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
