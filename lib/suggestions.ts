/** Entries for models that lie on a Spark and are in no catalog, as they would be sent to add them. */
import { type Static, Type } from "@sinclair/typebox";
import { EntryFieldsSchema } from "./catalog/entry-schema.ts";
import { onDisk } from "./inventory/disks.ts";
import type { Inventory } from "./inventory/inventory.ts";
import { Nullable } from "./schema.ts";

export const SuggestionsSchema = Type.Object(
  {
    suggestions: Type.Array(
      Type.Object({
        key: Type.String(),
        entry: EntryFieldsSchema,
        needs_setup: Nullable(Type.String({ description: "What is not known; null: a recipe fits" })),
        on_disk: Type.Array(Type.Object({ node: Type.String(), bytes: Type.Number() })),
      }),
    ),
  },
  { title: "ModelSuggestions" },
);

export function suggestionsIn({ menu, use }: Pick<Inventory, "menu" | "use">): Static<typeof SuggestionsSchema> {
  const found = menu.models.filter(({ origin }) => origin === "disk");
  return {
    suggestions: found.map((model) => ({
      key: model.key,
      entry: {
        name: model.name,
        ...(model.source.kind === "repo" ? { repo: model.source.repo } : { local_path: model.source.path }),
        nodes: model.nodes,
        gpu_memory_utilization: model.gpu_memory_utilization,
        args: [...model.args],
        ...(model.quantization === null ? {} : { quantization: model.quantization }),
        ...(model.size_gb === null ? {} : { size_gb: model.size_gb }),
        ...(model.max_model_len === null ? {} : { max_model_len: model.max_model_len }),
      },
      needs_setup: menu.needsSetup.get(model.key) ?? null,
      on_disk: onDisk(model, use) ?? [],
    })),
  };
}
