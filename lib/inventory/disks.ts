/** Which models of the catalog lie on the disk of each Spark, as last looked at. Pure but for its map. */
import type { Model } from "../catalog/catalog.ts";

const HUB = "~/.cache/huggingface/hub";
/** Weights are stated in rounded figures; a download that is less than this share of them is not complete. */
const COMPLETE_SHARE = 0.9;
const BYTES_PER_GB = 1e9;

export interface OnDisk {
  readonly node: string;
  readonly bytes: number;
}

/** on_disk: complete on every node that it needs. partial: begun, or not on all of them. unknown: no node was asked yet. */
export type Availability = "on_disk" | "partial" | "needs_download" | "unknown";

/**
 * Where a model's files are on a Spark: its folder, or the one that Hugging Face's cache keeps for a repository
 * (huggingface_hub, "Understand caching": `models--ORG--NAME`).
 */
export function folderOf({ source }: Model): string {
  return source.kind === "local" ? source.path : `${HUB}/models--${source.repo.replaceAll("/", "--")}`;
}

/** Bytes by node and folder; a folder that is not there is null. */
export type DiskUse = ReadonlyMap<string, ReadonlyMap<string, number | null>>;

/** @returns null while no node has been asked */
export function onDisk(model: Model, use: DiskUse): OnDisk[] | null {
  if (use.size === 0) return null;
  const folder = folderOf(model);
  return [...use].flatMap(([node, folders]) => {
    const bytes = folders.get(folder);
    return bytes == null ? [] : [{ node, bytes }];
  });
}

/** @param nodes that the model would run on; empty when no slot has room for it, then any node counts */
export function availability(model: Model, use: DiskUse, nodes: readonly string[]): Availability {
  const there = onDisk(model, use);
  if (there === null || nodes.some((node) => !use.has(node))) return "unknown";
  if (there.length === 0) return "needs_download";
  const least = model.size_gb === null ? 0 : model.size_gb * BYTES_PER_GB * COMPLETE_SHARE;
  const isComplete = (node: string) => there.some((one) => one.node === node && one.bytes >= least);
  const asked = nodes.length > 0 ? nodes : [...use.keys()];
  return asked.every(isComplete) ? "on_disk" : "partial";
}
