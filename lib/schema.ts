/** Shapes that the wire schemas of all nouns are made of. */
import { type SchemaOptions, type TSchema, Type } from "@sinclair/typebox";

export const Nullable = <T extends TSchema>(schema: T, options: SchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options);

/** One of these words. */
export const OneOf = <const T extends string>(words: readonly T[], options: SchemaOptions = {}) =>
  Type.Unsafe<T>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      options,
    ),
  );
