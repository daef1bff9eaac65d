/** Entries for models that lie on a Spark and are in no catalog, as they would be sent to add them. */
import { type Static, Type } from "@sinclair/typebox";
import type { Model } from "./catalog/catalog.ts";
import { EntryFieldsSchema } from "./catalog/entry-schema.ts";
import { invalidAbsolutePath } from "./config/validate.ts";
import { Fault } from "./fault.ts";
import { onDisk } from "./inventory/disks.ts";
import { inferModel } from "./inventory/infer-model.ts";
import type { Inventory } from "./inventory/inventory.ts";
import { Nullable } from "./schema.ts";
import type { ModelFolder } from "./spark/model-folder.ts";
import type { Node, Topology } from "./topology/topology.ts";

const SuggestionSchema = Type.Object(
  {
    key: Type.String(),
    entry: EntryFieldsSchema,
    needs_setup: Nullable(Type.String({ description: "What is not known; null: a recipe fits" })),
    on_disk: Type.Array(Type.Object({ node: Type.String(), bytes: Type.Number() })),
  },
  { title: "ModelSuggestion" },
);
type Suggestion = Static<typeof SuggestionSchema>;
export const SuggestionsSchema = Type.Object(
  { suggestions: Type.Array(SuggestionSchema) },
  { title: "ModelSuggestions" },
);
export type Suggestions = Static<typeof SuggestionsSchema>;

export function suggestionsIn({ menu, use }: Pick<Inventory, "menu" | "use">): Suggestions {
  const found = menu.models.filter(({ origin }) => origin === "disk");
  return {
    suggestions: found.map((model) => ({
      key: model.key,
      entry: entryOf(model),
      needs_setup: menu.needsSetup.get(model.key) ?? null,
      on_disk: onDisk(model, use) ?? [],
    })),
  };
}

export interface FolderMeans {
  readonly inventory: Pick<Inventory, "menu">;
  topology(): Topology;
  /** Null: there is no such folder. @throws Fault when the Spark cannot be asked */
  read(node: Node, folder: string, signal: AbortSignal): Promise<ModelFolder | null>;
}

/**
 * For a folder of one's own on the Sparks.
 * @throws Fault 422 no path that a model may have; 404 on no Spark; 502 when none could be asked
 */
export async function suggestFolder(means: FolderMeans, folder: string, signal: AbortSignal): Promise<Suggestions> {
  const refusal = invalidAbsolutePath(folder);
  if (refusal !== null) throw new Fault("invalid", "malformed_path", `The folder ${refusal}.`);
  const nodes = means.topology().nodes.filter((node) => node.status === "configured");
  const looks = await Promise.allSettled(
    nodes.map(async (node) => ({ node: node.name, seen: await means.read(node, folder, signal) })),
  );
  const answers = looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
  const failed = looks.find((look) => look.status === "rejected");
  if (answers.length === 0 && failed) throw failed.reason;
  const there = answers.flatMap(({ node, seen }) => (seen ? [{ node, ...seen }] : []));
  const [first] = there;
  if (!first) throw new Fault("not_found", "no_such_folder", `There is no folder ${folder} on any Spark.`);
  const taken = new Set(means.inventory.menu.models.map(({ key }) => key));
  const name = folder.split("/").filter(Boolean).at(-1) ?? folder;
  const { model, needsSetup } = inferModel({ repo: name, unfinished: 0, ...first }, taken, nodes.length);
  const entry = entryOf({ ...model, name, source: { kind: "local", path: folder } });
  const on_disk = there.map(({ node, bytes }) => ({ node, bytes }));
  return { suggestions: [{ key: model.key, entry, needs_setup: needsSetup, on_disk }] };
}

function entryOf(model: Model): Suggestion["entry"] {
  return {
    name: model.name,
    ...(model.source.kind === "repo" ? { repo: model.source.repo } : { local_path: model.source.path }),
    nodes: model.nodes,
    gpu_memory_utilization: model.gpu_memory_utilization,
    args: [...model.args],
    ...(model.quantization === null ? {} : { quantization: model.quantization }),
    ...(model.size_gb === null ? {} : { size_gb: model.size_gb }),
    ...(model.max_model_len === null ? {} : { max_model_len: model.max_model_len }),
  };
}
