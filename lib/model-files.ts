/**
 * Deleting a model's files from the disks of the Sparks: what would be in the way of it, and doing it. That nobody uses them is
 * read, and the deletion told, in one synchronous step; whatever would use them asks `FileDeletions` in its own claim.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { Model } from "./catalog/catalog.ts";
import { Fault } from "./fault.ts";
import type { DiskUse } from "./inventory/disks.ts";
import { hubFolder } from "./inventory/disks.ts";
import type { Belief } from "./swap/facts.ts";
import type { SlotStatus } from "./swap/slots.ts";
import { type Node, type Topology, usableNode } from "./topology/topology.ts";

export const DeletedFilesSchema = Type.Object(
  {
    key: Type.String(),
    repo: Type.String(),
    deleted: Type.Array(Type.Object({ node: Type.String(), bytes: Type.Number() })),
  },
  { title: "DeletedFiles" },
);
export type DeletedFiles = Static<typeof DeletedFilesSchema>;

export interface InUse {
  readonly beliefs: readonly Belief[];
  /** Swaps under way, and those of which nobody knows how they ended: they may go back to what was there before. */
  readonly needed: readonly { readonly slot: string; readonly models: readonly Pick<Model, "source">[] }[];
  readonly slots: readonly SlotStatus[];
}

/** Repositories whose files are being deleted now: none is loaded or downloaded meanwhile. */
export class FileDeletions {
  readonly #repos = new Set<string>();

  isOf({ source }: Pick<Model, "source">): boolean {
    return source.kind === "repo" && this.#repos.has(source.repo);
  }

  /** @throws Fault 409 `files_being_deleted` */
  refuse(repo: string): void {
    if (this.#repos.has(repo))
      throw new Fault(
        "conflict",
        "files_being_deleted",
        `The files of ${repo} are being deleted. Wait until that has ended.`,
      );
  }

  /** @returns what ends it @throws Fault as `refuse` */
  begin(repo: string): () => void {
    this.refuse(repo);
    this.#repos.add(repo);
    return () => void this.#repos.delete(repo);
  }
}

export interface DeleteMeans {
  readonly deletions: FileDeletions;
  models(): readonly Model[];
  use(): DiskUse;
  topology(): Topology;
  inUse(): InUse;
  isDownloading(repo: string): boolean;
  /** Asks the reservation lock: whoever has these Sparks may be about to load it. @throws Fault 423 `reserved` with `lock`, `reservation_lost` */
  permit(nodes: readonly string[], token: string | null): void;
  /** @throws Fault when something of it is left */
  remove(node: Node, repo: string, signal: AbortSignal): Promise<void>;
  lookAgain(): void;
}

export interface DeleteOrder {
  readonly key: string;
  /** The key or the repository, as the person typed it. */
  readonly confirm: string;
  /** Left out: wherever it lies. */
  readonly node?: string | undefined;
  /** Of the reservation, where one is held. */
  readonly token: string | null;
}

/**
 * @throws Fault 404 unknown model or not on a disk; 409 a local model, in use, being downloaded or deleted; 422 not confirmed;
 *   423 as `permit`; 502 something of it is left
 */
export async function deleteFiles(means: DeleteMeans, order: DeleteOrder, signal: AbortSignal): Promise<DeletedFiles> {
  const models = means.models();
  const model = models.find(({ key }) => key === order.key);
  if (!model) throw new Fault("not_found", "unknown_model", `There is no model "${order.key.slice(0, 64)}".`);
  if (model.source.kind === "local")
    throw new Fault(
      "conflict",
      "local_model",
      `${model.name} is a folder of your own. Spark Control never deletes one.`,
    );
  const { repo } = model.source;
  if (order.confirm !== repo && order.confirm !== model.key)
    throw new Fault("invalid", "not_confirmed", `To delete ${model.name}, confirm with its name: ${repo}`);
  const holder = holderOf(repo, models, means.inUse());
  if (holder !== null) throw new Fault("conflict", "model_in_use", `${model.name} is in use: ${holder}.`);
  if (means.isDownloading(repo))
    throw new Fault("conflict", "download_running", `${model.name} is being downloaded. Cancel that first.`);
  const there = [...means.use()].flatMap(([node, folders]) => {
    const bytes = folders.get(hubFolder(repo));
    return bytes == null || (order.node !== undefined && order.node !== node) ? [] : [{ node, bytes }];
  });
  if (there.length === 0) {
    const where = order.node === undefined ? "any Spark" : order.node.slice(0, 64);
    throw new Fault("not_found", "not_on_disk", `${model.name} is not on the disk of ${where}.`);
  }
  means.permit(
    there.map(({ node }) => node),
    order.token,
  );
  // Nothing may come between the readings above and this: no await.
  const end = means.deletions.begin(repo);
  try {
    const ends = await Promise.allSettled(
      there.map(async ({ node: name, bytes }) => {
        const node = usableNode(means.topology(), name);
        if (!node) throw new Fault("conflict", "unknown_node", `${name} is not configured any more.`);
        await means.remove(node, repo, signal);
        return { node: name, bytes };
      }),
    );
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
    return { key: model.key, repo, deleted: there };
  } finally {
    end();
    means.lookAgain();
  }
}

/** In words; null when nobody needs the files. */
function holderOf(repo: string, models: readonly Model[], { beliefs, needed, slots }: InUse): string | null {
  const isIt = (key: string | null) =>
    models.some((model) => model.key === key && model.source.kind === "repo" && model.source.repo === repo);
  // An entry of the catalog may have been changed since: what counts is what was ordered.
  const has = ({ source }: Pick<Model, "source">) => source.kind === "repo" && source.repo === repo;
  const swap = needed.find(({ models }) => models.some(has));
  if (swap) return `a swap of ${swap.slot} is under way`;
  const belief = beliefs.find(({ model }) => has(model));
  const slot = slots.find(({ model, served_ids }) => isIt(model) || served_ids.includes(repo));
  const name = belief?.slot ?? slot?.name;
  return name === undefined ? null : `it is loaded in ${name}`;
}
