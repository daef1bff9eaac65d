/** Looks at the disks of the Sparks from time to time: which of the catalog's models lie there, and how large they are. */
import type { Catalog, Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Node, Topology } from "../topology/topology.ts";
import { type DiskUse, type Download, downloadOf, folderOf, hubFolder } from "./disks.ts";
import type { Found } from "./infer-model.ts";
import { type Menu, menuOf, merged } from "./menu.ts";

export interface InventoryOptions {
  readonly intervalMs: number;
  topology(): Topology;
  catalog(): Catalog;
  /** Bytes of each folder; null for one that is not there. @throws Fault when the node cannot be asked */
  usage(node: Node, folders: readonly string[], signal: AbortSignal): Promise<readonly (number | null)[]>;
  /** All repositories in the cache of a Spark. @throws Fault as `usage` */
  hub?(node: Node, signal: AbortSignal): Promise<readonly Found[]>;
  /** What lies there has changed since the last look. */
  onChange(): void;
  report(error: unknown): void;
}

export class Inventory {
  #use: DiskUse = new Map();
  #hubs: ReadonlyMap<string, readonly Found[]> = new Map();
  #menu: { readonly catalog: Catalog; readonly hubs: unknown; readonly menu: Menu } | undefined;
  #round: Promise<void> | null = null;
  #again = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #closed = new AbortController();

  constructor(private readonly options: InventoryOptions) {}

  /** By node; a node that could never be asked is missing. */
  get use(): DiskUse {
    return this.#use;
  }

  /** The models of the catalog, and what lies on the disks besides. */
  get menu(): Menu {
    const catalog = this.options.catalog();
    if (this.#menu?.catalog !== catalog || this.#menu.hubs !== this.#hubs) {
      const sparks = this.options.topology().nodes.filter(({ status }) => status === "configured").length;
      this.#menu = { catalog, hubs: this.#hubs, menu: menuOf(catalog, merged([...this.#hubs.values()]), sparks) };
    }
    return this.#menu.menu;
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
    const { topology, catalog, usage, hub, onChange } = this.options;
    const folders = [...new Set(catalog().models.map(folderOf))];
    const hubs = new Map<string, readonly Found[]>();
    const seen = await Promise.all(
      topology().nodes.map(async (node) => {
        if (node.status !== "configured") return [];
        try {
          const [sizes, found = []] = await Promise.all([
            usage(node, folders, this.#closed.signal),
            hub?.(node, this.#closed.signal),
          ]);
          hubs.set(node.name, found);
          return [
            [
              node.name,
              new Map([
                ...found.map(({ repo, bytes }) => [hubFolder(repo), bytes] as const),
                ...folders.map((folder, index) => [folder, sizes[index] ?? null] as const),
              ]),
            ] as const,
          ];
        } catch (error) {
          this.#closed.signal.throwIfAborted();
          if (!(error instanceof Fault)) throw error;
          const before = this.#use.get(node.name);
          hubs.set(node.name, this.#hubs.get(node.name) ?? []);
          return before ? [[node.name, before] as const] : [];
        }
      }),
    );
    const next: DiskUse = new Map(seen.flat());
    const isNew = JSON.stringify([...hubs].sort()) !== JSON.stringify([...this.#hubs].sort());
    const hasChanged = isNew || textOf(next) !== textOf(this.#use);
    this.#use = next;
    if (isNew) this.#hubs = hubs;
    if (hasChanged) onChange();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed.abort(new Error("the controller is shutting down"));
    await this.#round;
  }
}

const textOf = (use: DiskUse) => JSON.stringify([...use].map(([node, folders]) => [node, [...folders]]));
