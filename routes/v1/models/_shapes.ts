import { Type } from "@sinclair/typebox";
import type { ListedModel } from "../../../lib/gateway/model-list.ts";
import { Nullable, OneOf } from "../../../lib/schema.ts";

export const ListedModelSchema = Type.Unsafe<ListedModel>(
  Type.Object(
    {
      id: Type.String(),
      object: Type.Literal("model"),
      created: Type.Integer(),
      owned_by: Type.String(),
      kind: OneOf(["chat", "asr", "tts", "embeddings", "reranker"]),
      loaded: Type.Boolean({ description: "Answers now" }),
      where: Nullable(Type.String({ description: "Slot or service" })),
      key: Nullable(Type.String({ description: "Key of the catalog, for a swap" })),
      aliases: Type.Array(Type.String()),
      max_model_len: Nullable(Type.Integer()),
      voices: Type.Optional(Type.Array(Type.Object({ id: Type.String(), name: Type.String() }))),
    },
    { title: "ListedModel" },
  ),
);
