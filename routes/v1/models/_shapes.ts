import { Type } from "@sinclair/typebox";
import type { ListedModel } from "../../../lib/gateway/model-list.ts";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export const ListedModelSchema = Type.Unsafe<ListedModel>(
  Type.Object(
    {
      id: Type.String(),
      object: Type.Literal("model"),
      created: Type.Integer(),
      owned_by: Type.String(),
      kind: Type.Union((["chat", "asr", "tts", "embeddings", "reranker"] as const).map((kind) => Type.Literal(kind))),
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
