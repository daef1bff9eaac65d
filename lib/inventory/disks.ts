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

/**
 * on_disk: complete on every node that it needs. partial: begun, or not on all of them. missing: the folder of a local
 * model is on none of them, and nothing downloads it. unknown: no node was asked yet.
 */
export type Availability = "on_disk" | "partial" | "needs_download" | "missing" | "unknown";

/**
 * Where a model's files are on a Spark: its folder, or the one that Hugging Face's cache keeps for a repository
 * (huggingface_hub, "Understand caching": `models--ORG--NAME`).
 */
export function folderOf({ source }: Model): string {
  return source.kind === "local" ? source.path : hubFolder(source.repo);
}

export const hubFolder = (repo: string): string => `${HUB}/models--${repo.replaceAll("/", "--")}`;

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
  const asked = nodes.length > 0 ? nodes : [...use.keys()];
  if (model.source.kind === "local" && !there.some(({ node }) => asked.includes(node))) return "missing";
  if (there.length === 0) return "needs_download";
  return asked.every((node) => isComplete(model, there, node)) ? "on_disk" : "partial";
}

/** What vLLM downloads before it loads. */
export interface Download {
  /** Sparks on which the model is not complete. */
  readonly nodes: string[];
  /** Part of it is on each of them already. */
  readonly begun: boolean;
  /** The most that one of them is short of; null when the model's size is not known. */
  readonly bytes: number | null;
}

/** @returns null when everything is there, when that is not known, and for a local model, which nothing downloads */
export function downloadOf(model: Model, use: DiskUse, nodes: readonly string[]): Download | null {
  const there = onDisk(model, use);
  if (model.source.kind === "local" || there === null) return null;
  const short = nodes.filter((node) => use.has(node) && !isComplete(model, there, node));
  if (short.length === 0) return null;
  const has = (node: string) => there.find((one) => one.node === node)?.bytes ?? 0;
  return {
    nodes: short,
    begun: short.every((node) => has(node) > 0),
    bytes: model.size_gb === null ? null : model.size_gb * BYTES_PER_GB - Math.min(...short.map(has)),
  };
}

function isComplete({ size_gb: size }: Model, there: readonly OnDisk[], node: string): boolean {
  const least = size === null ? 0 : size * BYTES_PER_GB * COMPLETE_SHARE;
  return there.some((one) => one.node === node && one.bytes >= least);
}
