/**
 * When a slot's model no longer answers, and when it does again. A look that fails once says little about a server that
 * works hard, so an outage is told only when it has lasted; swaps end it without a word, because they are told by themselves.
 */
import type { SlotStatus } from "./slots.ts";

/** Three looks. */
const LASTS_MS = 15_000;

export interface OutageWatchOptions {
  /** What was told last of this slot, in an earlier process too; null when nothing was. */
  readonly told: (slot: string) => "up" | "down" | null;
  /** Makes it durable. */
  readonly tell: (slot: SlotStatus, is: "up" | "down") => void;
  readonly report: (error: unknown) => void;
  readonly lastsMs?: number | undefined;
}

export class OutageWatch {
  readonly #suspected = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly options: OutageWatchOptions) {}

  /** To be called whenever what a slot shows has changed. */
  see(slot: SlotStatus): void {
    if (slot.state === "not_answering") this.#suspect(slot);
    else this.#clear(slot.name);
    if (slot.state === "serving" && this.options.told(slot.name) === "down") this.#tell(slot, "up");
  }

  close(): void {
    for (const name of [...this.#suspected.keys()]) this.#clear(name);
  }

  #suspect(slot: SlotStatus): void {
    if (this.#suspected.has(slot.name) || this.options.told(slot.name) === "down") return;
    const timer = setTimeout(() => {
      this.#suspected.delete(slot.name);
      this.#tell(slot, "down");
    }, this.options.lastsMs ?? LASTS_MS);
    this.#suspected.set(slot.name, timer);
  }

  #clear(name: string): void {
    clearTimeout(this.#suspected.get(name));
    this.#suspected.delete(name);
  }

  #tell(slot: SlotStatus, is: "up" | "down"): void {
    try {
      this.options.tell(slot, is);
    } catch (error) {
      this.options.report(error);
    }
  }
}
