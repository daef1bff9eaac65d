/** TypeBox schemas as JSON Schema of an OpenAPI 3.1 document, with named models hoisted into its components. */

export type JsonSchema = Record<string, unknown>;

/** A name fit for `#/components/schemas/…`: models have one, small fields that happen to have a title do not. */
const MODEL_NAME = /^[A-Z][A-Za-z0-9]*$/;
/** Elysia's query fields are unions of a number and the text it is read from; clients only send the number. */
const READ_FROM_TEXT = new Set(["numeric", "integer", "boolean", "ObjectString", "ArrayString"]);

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Drops TypeBox's symbols and anything that JSON does not have. */
export const plain = (schema: unknown): JsonSchema => JSON.parse(JSON.stringify(schema)) as JsonSchema;

/** Takes the number out of Elysia's union of number and text. */
function withoutTextForms(schema: JsonSchema): JsonSchema {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const kept = anyOf.filter(
    (one) => !(isObject(one) && one.type === "string" && READ_FROM_TEXT.has(String(one.format))),
  );
  return kept.length === 1 && kept.length < anyOf.length ? { ...rest, ...(kept[0] as JsonSchema) } : schema;
}

export class Components {
  readonly #schemas = new Map<string, JsonSchema>();

  /** Sorted by name. */
  get schemas(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The schema itself, or a `$ref` when it is a named model. */
  place(schema: unknown): JsonSchema {
    return this.#walk(plain(schema)) as JsonSchema;
  }

  #walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#walk(item));
    if (!isObject(value)) return value;
    const { $id, ...schema } = withoutTextForms(value);
    const walked = Object.fromEntries(
      Object.entries(schema).map(([key, item]) => [
        key,
        key === "properties" ? this.#properties(item) : this.#walk(item),
      ]),
    );
    const name = $id ?? ("type" in walked || "anyOf" in walked || "allOf" in walked ? walked.title : undefined);
    return typeof name === "string" && MODEL_NAME.test(name) ? this.#hoist(name, walked) : walked;
  }

  /** A field may be called `title` or `$id`: its name is no keyword. */
  #properties(value: unknown): unknown {
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, this.#walk(schema)]));
  }

  /** Two different models of one name keep apart by a number. */
  #hoist(name: string, schema: JsonSchema): JsonSchema {
    for (let count = 1; ; count++) {
      const key = count === 1 ? name : `${name}${count}`;
      const known = this.#schemas.get(key);
      if (!known) this.#schemas.set(key, schema);
      if (!known || Bun.deepEquals(known, schema)) return { $ref: `#/components/schemas/${key}` };
    }
  }
}
