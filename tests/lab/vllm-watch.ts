/** Counts the vLLMs of every host all the time, from the process tables. */
import type { Host } from "./host.ts";
import { type VllmProcess, vllmProcesses } from "./processes.ts";

const BETWEEN_LOOKS_MS = 40;

export interface Watched {
  /** Per host: the most that ran at one moment. */
  readonly most: readonly number[];
  /** Per host: the models of all that ran, in the order in which they appeared. */
  readonly ran: readonly (readonly string[])[];
}

export class VllmWatch {
  readonly #most: number[];
  readonly #ran: Map<number, string>[];
  #ended = false;
  readonly #loop: Promise<void>;

  /** Looks until `end` is called. */
  constructor(private readonly hosts: readonly Host[]) {
    this.#most = hosts.map(() => 0);
    this.#ran = hosts.map(() => new Map());
    this.#loop = this.#look();
  }

  async end(): Promise<Watched> {
    this.#ended = true;
    await this.#loop;
    return { most: this.#most, ran: this.#ran.map((seen) => [...seen.values()]) };
  }

  async #look(): Promise<void> {
    while (!this.#ended) {
      for (const [index, host] of this.hosts.entries()) {
        const mains = mainProcesses(await vllmProcesses(host));
        this.#most[index] = Math.max(this.#most[index] ?? 0, mains.length);
        for (const main of mains) this.#ran[index]?.set(main.pid, modelOf(main));
      }
      await Bun.sleep(BETWEEN_LOOKS_MS);
    }
  }
}

/**
 * One for each start: the server on a head, the headless rank on a worker. A child that it has just forked, and that
 * has not become its engine yet, still carries its command line: it is not another start.
 */
export function mainProcesses(processes: readonly VllmProcess[]): VllmProcess[] {
  const mains = processes.filter(({ role }) => role === "server" || role === "headless");
  return mains.filter(({ ppid }) => !mains.some(({ pid }) => pid === ppid));
}

/** The word behind `serve`. */
function modelOf({ argv }: VllmProcess): string {
  return argv[argv.indexOf("serve") + 1] ?? "";
}
