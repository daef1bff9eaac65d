/** A download of a model onto the Sparks: its shape on the wire and on disk. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf } from "../schema.ts";

/** downloading: onto the first Spark. copying: from there to the others. cancelling: the Spark was not reached yet to end it. */
export const DOWNLOAD_STATES = [
  "starting",
  "downloading",
  "copying",
  "cancelling",
  "done",
  "failed",
  "cancelled",
] as const;
export type DownloadState = (typeof DOWNLOAD_STATES)[number];

export const DownloadSchema = Type.Object(
  {
    id: Type.String(),
    repo: Type.String(),
    model: Nullable(Type.String({ description: "Key of the catalog" })),
    nodes: Type.Array(Type.String(), { description: "The Spark that downloads, then those that get a copy from it" }),
    state: OneOf(DOWNLOAD_STATES),
    bytes: Nullable(Type.Number({ description: "On the Spark that is being filled now" })),
    total_bytes: Nullable(Type.Number({ description: "Null when the size is not known beforehand" })),
    progress: Nullable(Type.Number({ description: "0 to 1, of all Sparks together; null when not known" })),
    bytes_per_second: Nullable(Type.Number({ description: "Over the last half minute" })),
    eta_seconds: Nullable(Type.Number()),
    on_disk: Type.Array(Type.Object({ node: Type.String(), bytes: Nullable(Type.Number()) })),
    reason: Nullable(Type.String({ description: "Why it failed, or what it waits for" })),
    advice: Nullable(Type.String({ description: "What to do about it" })),
    evidence: Nullable(Type.String({ description: "The last lines that the script wrote" })),
    started_at: Type.String(),
    ended_at: Nullable(Type.String()),
  },
  { title: "Download" },
);
export type Download = Static<typeof DownloadSchema>;

export const DownloadsSchema = Type.Object(
  { downloads: Type.Array(DownloadSchema, { description: "Newest first" }) },
  { title: "Downloads" },
);

export const DownloadOrderSchema = Type.Object(
  {
    model: Type.Optional(Type.String({ maxLength: 64, description: "Key of the catalog; this or `repo`" })),
    repo: Type.Optional(Type.String({ maxLength: 200, description: "Hugging Face repository" })),
    nodes: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), {
        minItems: 1,
        maxItems: 8,
        description: "The first one downloads, the others get a copy. Left out: all Sparks",
      }),
    ),
  },
  { title: "DownloadOrder", additionalProperties: false },
);
export type DownloadOrder = Static<typeof DownloadOrderSchema>;

export const isOver = ({ state }: Pick<Download, "state">): boolean =>
  state === "done" || state === "failed" || state === "cancelled";
