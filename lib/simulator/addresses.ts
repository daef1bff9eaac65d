/** Where the simulated hosts listen. */
import { isFree, pickPort } from "./ports.ts";

const FIRST_HOST = 10;
const FALLBACK = "127.0.0.1";

/**
 * One loopback address a node where the system has them all (Linux), else 127.0.0.1 for every node.
 * @param shared 127.0.0.1 for every node in any case
 */
export async function nodeAddresses(count: number, shared: boolean): Promise<readonly string[]> {
  const own = Array.from({ length: count }, (_, index) => `127.0.0.${FIRST_HOST + index}`);
  const canBind = !shared && (await isFree(own.at(-1)!, 0));
  return canBind ? own : own.map(() => FALLBACK);
}

/** Hands out ports of one address, none twice. */
export class PortPicker {
  readonly #taken = new Map<string, Set<number>>();

  constructor(private readonly mode: "standard" | "ephemeral") {}

  /** `usual` when it is free and wanted, else a free one. */
  async pick(address: string, usual: number): Promise<number> {
    const taken = this.#taken.get(address) ?? new Set<number>();
    this.#taken.set(address, taken);
    const usualIsFree = this.mode === "standard" && !taken.has(usual) && (await isFree(address, usual));
    const port = usualIsFree ? usual : await pickPort(address, taken);
    taken.add(port);
    return port;
  }
}
