/** Looks at the disks of the Sparks from time to time: which of the catalog's models lie there, and how large they are. */
import type { Catalog, Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Node, Topology } from "../topology/topology.ts";
import { type DiskUse, type Download, downloadOf, folderOf } from "./disks.ts";

export interface InventoryOptions {
  readonly intervalMs: number;
  topology(): Topology;
  catalog(): Catalog;
  /** Bytes of each folder; null for one that is not there. @throws Fault when the node cannot be asked */
  usage(node: Node, folders: readonly string[], signal: AbortSignal): Promise<readonly (number | null)[]>;
  /** What lies there has changed since the last look. */
  onChange(): void;
  report(error: unknown): void;
}

export class Inventory {
  #use: DiskUse = new Map();
  #round: Promise<void> | null = null;
  #again = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #closed = new AbortController();

  constructor(private readonly options: InventoryOptions) {}

  /** By node; a node that could never be asked is missing. */
  get use(): DiskUse {
    return this.#use;
  }

  /** What is missing of a model on these nodes, as last seen. */
  download(model: Model, nodes: readonly string[]): Download | null {
    return downloadOf(model, this.#use, nodes);
  }

  start(): void {
    this.#timer = setInterval(() => this.lookAgain(), this.options.intervalMs);
    this.lookAgain();
  }

  /** Looks once more, after the look that runs now if there is one. */
  lookAgain(): void {
    if (this.#closed.signal.aborted) return;
    if (this.#round) {
      this.#again = true;
      return;
    }
    this.#round = this.look()
      .catch((error) => {
        if (!this.#closed.signal.aborted) this.options.report(error);
      })
      .finally(() => {
        this.#round = null;
        if (!this.#again) return;
        this.#again = false;
        this.lookAgain();
      });
  }

  /** A node that cannot be asked keeps what was seen before. */
  async look(): Promise<void> {
    const { topology, catalog, usage, onChange } = this.options;
    const folders = [...new Set(catalog().models.map(folderOf))];
    const seen = await Promise.all(
      topology().nodes.map(async (node) => {
        if (node.status !== "configured") return [];
        try {
          const sizes = await usage(node, folders, this.#closed.signal);
          return [[node.name, new Map(folders.map((folder, index) => [folder, sizes[index] ?? null]))] as const];
        } catch (error) {
          this.#closed.signal.throwIfAborted();
          if (!(error instanceof Fault)) throw error;
          const before = this.#use.get(node.name);
          return before ? [[node.name, before] as const] : [];
        }
      }),
    );
    const next: DiskUse = new Map(seen.flat());
    const hasChanged = textOf(next) !== textOf(this.#use);
    this.#use = next;
    if (hasChanged) onChange();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed.abort(new Error("the controller is shutting down"));
    await this.#round;
  }
}

const textOf = (use: DiskUse) => JSON.stringify([...use].map(([node, folders]) => [node, [...folders]]));
