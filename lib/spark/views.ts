/** Reads what a Spark answers to the commands of look.ts. Pure; every reader tolerates output that is cut or odd. */

const BYTES_PER_KIB = 1024;
/** State of a listening socket in /proc/net/tcp (include/net/tcp_states.h). */
const TCP_LISTEN = "0A";

/** From /proc/meminfo. Unified memory: MemAvailable is what a model can have. Null when a line is missing. */
export function readMemory(text: string): { totalBytes: number; availableBytes: number } | null {
  const total = /^MemTotal:\s+(\d+) kB/m.exec(text)?.[1];
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  if (total === undefined || available === undefined) return null;
  return { totalBytes: Number(total) * BYTES_PER_KIB, availableBytes: Number(available) * BYTES_PER_KIB };
}

/** KiB available from `df -Pk PATH`: a header, then device, size, used, available, capacity, mount point (POSIX `df -P`). */
export function readFreeDisk(text: string): number | null {
  const available = /^.*\s\d+\s+\d+\s+(\d+)\s+\d+%\s+\/.*$/m.exec(text)?.[1];
  return available === undefined ? null : Number(available);
}

/** Is some socket in LISTEN on this port? From /proc/net/tcp and /proc/net/tcp6, one after the other. */
export function isListening(text: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return text.split("\n").some((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[3] === TCP_LISTEN && fields[1]?.endsWith(`:${hex}`) === true;
  });
}

export interface ContainerView {
  readonly running: boolean;
  readonly image: string;
  readonly startedAt: string;
  /** The kernel has killed something in it for memory; docker says so of a container that runs on, too. */
  readonly outOfMemory: boolean;
}

/** From `docker inspect`: an array with one object. Null: no such container. */
export function readContainer(output: string): ContainerView | null {
  const from = output.search(/^\[/m);
  if (from < 0) return null;
  try {
    const [entry] = JSON.parse(output.slice(from)) as {
      State?: { Running?: unknown; StartedAt?: unknown; OOMKilled?: unknown };
      Config?: { Image?: unknown };
      ImageName?: unknown;
    }[];
    if (!entry) return null;
    return {
      running: entry.State?.Running === true,
      image: text(entry.Config?.Image ?? entry.ImageName),
      startedAt: text(entry.State?.StartedAt),
      outOfMemory: entry.State?.OOMKilled === true,
    };
  } catch {
    return null;
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A process of vLLM: the server itself, or one of the workers that it renames (`VLLM::EngineCore`). */
const VLLM = /(?<![^\s/])vllm serve\b|VLLM::/;

/** `--api-key ONE [ANOTHER…]`, `--hf-token=…`, up to the next option. */
const SECRET = /(\s--[\w-]*(?:key|token)[ =])(?!--).*?(?=\s--|$)/g;

/** Keys on a command line are for nobody who asks the controller: what is shown of it is without them. */
export function withoutSecrets(commandLine: string): string {
  return commandLine.replace(SECRET, "$1…");
}

/** Command lines of vLLM processes from `docker top`: a header, then columns of which the last is the command. */
export function readVllmProcesses(output: string): string[] {
  const [header, ...rows] = output.split("\n");
  const column = header?.search(/\b(?:CMD|COMMAND)\b/) ?? -1;
  return rows
    .filter((row) => VLLM.test(row))
    .map((row) => {
      const at = row.search(VLLM);
      // Columns are padded to their header in docker and podman alike, except when a value is wider than its column.
      return withoutSecrets(row.slice(column >= 0 && column <= at ? column : at).trim());
    });
}
