/** Calls that change the catalog and what lies on the disks. */
import type { EntryFields, FieldChanges, ModelEntry, NewModel } from "../../lib/catalog/entry-schema.ts";
import type { Download } from "../../lib/downloads/download.ts";
import type { DeletedFiles } from "../../lib/model-files.ts";
import type { Suggestions } from "../../lib/suggestions.ts";
import { send } from "../fields-refused.ts";

export type { Download, EntryFields, FieldChanges, ModelEntry, NewModel };
export type Suggestion = Suggestions["suggestions"][number];

async function ask<Answer>(method: string, path: string, body?: unknown, token?: string | null): Promise<Answer> {
  return (await (await send(method, path, body, token)).json()) as Answer;
}

const at = (key: string): string => `/api/models/${encodeURIComponent(key)}`;

export const fetchEntry = (key: string) => ask<ModelEntry>("GET", at(key));
export const addModel = (model: NewModel) => ask<ModelEntry>("POST", "/api/models", model);
export const changeModel = (key: string, values: FieldChanges, version: string) =>
  ask<ModelEntry>("PATCH", at(key), { values, version });
/** Out of the menu; nothing is deleted from a disk. */
export const hideModel = (key: string, version: string) =>
  ask<{ removed: string }>("DELETE", `${at(key)}?version=${encodeURIComponent(version)}`);
export const restoreModel = (key: string) => ask<ModelEntry>("POST", `${at(key)}/restore`);
/** @param confirm the key, as it was typed @param token of the reservation that this tab holds */
export const deleteFiles = (key: string, confirm: string, token: string | null) =>
  ask<DeletedFiles>("DELETE", `${at(key)}/files?confirm=${encodeURIComponent(confirm)}`, undefined, token);
/** @param folder on the Sparks; without it: what lies in their caches and is in no catalog */
export const fetchSuggestions = (folder?: string) =>
  ask<Suggestions>(
    "GET",
    `/api/models/suggest${folder === undefined ? "" : `?local_path=${encodeURIComponent(folder)}`}`,
  );
export const fetchDownloads = () => ask<{ downloads: Download[] }>("GET", "/api/downloads");
export const startDownload = (model: string) => ask<Download>("POST", "/api/downloads", { model });
export const cancelDownload = (id: string) => ask<Download>("DELETE", `/api/downloads/${encodeURIComponent(id)}`);
