/** An entry of the catalog as it is sent and shown. What each field may be is said by lib/config/catalog-schema.ts. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

const Words = (description: string) => Type.String({ maxLength: 4096, description });
const List = (description: string) => Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 256, description });

const FIELDS = {
  name: Words("Name for people"),
  repo: Words("Hugging Face repository; exactly one of repo and local_path"),
  local_path: Words("Folder on the Sparks, the same path on each"),
  nodes: Type.Integer({ description: "Sparks it needs" }),
  quantization: Words("In words"),
  size_gb: Type.Number({ description: "Weights in GB (10^9 bytes), over all Sparks together" }),
  gpu_memory_utilization: Type.Number({ description: "Share of each Spark's memory" }),
  max_model_len: Type.Integer({ description: "Longest context in tokens" }),
  served_name: Words("Name in /v1/models"),
  aliases: List("Further names that clients may ask for"),
  args: List("Further arguments of `vllm serve`, one item an argument"),
  chat_template: Words("Inside local_path for a local model"),
  env: Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]), {
    description: "Environment variables of the container",
  }),
  mods: List("Mods of the launch script"),
  image: Words("Docker image instead of the slot's"),
  note: Words("A remark for people"),
} as const;

type Fields = typeof FIELDS;
const optional = <Map extends (schema: TSchema) => TSchema>(map: Map) =>
  Object.fromEntries(Object.entries(FIELDS).map(([name, schema]) => [name, Type.Optional(map(schema))]));

export const EntryFieldsSchema = Type.Partial(Type.Object(FIELDS), {
  title: "ModelFields",
  additionalProperties: false,
});
export type EntryFields = Static<typeof EntryFieldsSchema>;

/** Null: the field goes out of models-overrides.yaml. */
export type FieldChanges = { [Key in keyof Fields]?: Static<Fields[Key]> | null };
const FieldChangesSchema = Type.Unsafe<FieldChanges>(
  Type.Object(
    optional((schema) => Nullable(schema)),
    {
      additionalProperties: false,
      description: "Null takes a field out of models-overrides.yaml: then the shipped value or the default holds",
    },
  ),
);

const version = Type.Optional(
  Type.String({ maxLength: 64, description: "As it was read; 409 when the file is not that any more" }),
);
const key = Type.String({ minLength: 1, maxLength: 64, description: "`[a-z0-9][a-z0-9._-]*`" });

export const NewModelSchema = Type.Object(
  { key, ...EntryFieldsSchema.properties, version },
  { title: "NewModel", additionalProperties: false },
);
export type NewModel = Static<typeof NewModelSchema>;

export const ModelChangesSchema = Type.Object(
  { values: FieldChangesSchema, version },
  { title: "ModelChanges", additionalProperties: false },
);
export type ModelChanges = Static<typeof ModelChangesSchema>;

export const ModelEntrySchema = Type.Object(
  {
    key: Type.String(),
    version: Type.String({ description: "Of models-overrides.yaml; send it with a change, so that nobody's is lost" }),
    shipped: Nullable(EntryFieldsSchema, {
      description: "As it came with Spark Control; null for a model of your own",
    }),
    own: Nullable(EntryFieldsSchema, { description: "What models-overrides.yaml says; null when nothing" }),
    hidden: Type.Boolean({ description: "Taken out of the menu; `restore` brings it back" }),
    problems: Type.Array(Type.String(), { description: "What is wrong with it in models-overrides.yaml" }),
  },
  { title: "ModelEntry" },
);
export type ModelEntry = Static<typeof ModelEntrySchema>;

export const FIELD_NAMES = Object.keys(FIELDS) as readonly (keyof Fields)[];
