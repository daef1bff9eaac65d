/**
 * The kinds of fields that configuration files have. A field type is a TypeBox schema (from which editors' JSON Schemas
 * are generated) plus two things that JSON Schema cannot carry: the sentence for a person, and the predicate for values
 * that end in a command.
 */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Path } from "./origin.ts";
import { invalidEnvName, type Refusal } from "./validate.ts";

type Refuse = (text: string) => Refusal;

/** Symbols are dropped by JSON.stringify, so the generated JSON Schemas do not show these. */
const refuseValue = Symbol("refuse value");
const refuseKey = Symbol("refuse key");

interface FieldType extends TSchema {
  readonly errorMessage?: string;
  readonly [refuseValue]?: Refuse;
  readonly [refuseKey]?: Refuse;
}

/** Text that a predicate of validate.ts accepts. */
export function Text(refuse: Refuse, description: string, options: { examples?: string[]; default?: string } = {}) {
  return Type.String({
    description,
    errorMessage: "must be text (put it in quotes)",
    ...options,
    [refuseValue]: refuse,
  });
}

/** One of a few words. */
export function Choice<const T extends string>(
  choices: readonly T[],
  description: string,
  options: { default?: T } = {},
) {
  const errorMessage = `must be one of ${choices.join(", ")}`;
  const refuse: Refuse = (text) => (choices.some((choice) => choice === text) ? null : errorMessage);
  return Type.Unsafe<T>(
    Type.String({ enum: [...choices], description, errorMessage, ...options, [refuseValue]: refuse }),
  );
}

export function Whole(minimum: number, maximum: number, description: string, options: { default?: number } = {}) {
  return Type.Integer({
    minimum,
    maximum,
    description,
    errorMessage: `must be a whole number from ${minimum} to ${maximum}`,
    ...options,
  });
}

export function Port(description: string, options: { default?: number } = {}) {
  return Whole(1, 65_535, description, options);
}

/** A number above `above` and at most `maximum`. */
export function Amount(above: number, maximum: number, description: string, options: { default?: number } = {}) {
  const errorMessage = `must be a number above ${above} and at most ${maximum}`;
  return Type.Number({ exclusiveMinimum: above, maximum, description, errorMessage, ...options });
}

export function YesNo(description: string, options: { default?: boolean } = {}) {
  return Type.Boolean({ description, errorMessage: "must be true or false", ...options });
}

/** A list of texts; every item has to pass. */
export function TextList(refuse: Refuse, description: string, options: { minItems?: number } = {}) {
  const items = Type.String({ errorMessage: "must be text (put it in quotes)", [refuseValue]: refuse });
  const errorMessage = `must be a list${options.minItems === undefined ? "" : ` with at least ${options.minItems} item`}`;
  return Type.Array(items, { description, errorMessage, maxItems: 256, ...options });
}

/** Environment variables: names to text or whole numbers. */
export function EnvironmentMap(refuse: Refuse, description: string) {
  const value = Type.Union([
    Type.String({ [refuseValue]: refuse }),
    Type.Integer({ errorMessage: "must be text or a whole number" }),
  ]);
  return Type.Record(Type.String(), value, {
    description,
    errorMessage: "must be a mapping of names to texts",
    [refuseKey]: invalidEnvName,
    [refuseValue]: refuse,
  });
}

export interface FieldRefusal {
  /** Where below the field. */
  readonly path: Path;
  /** Completes "The value …". */
  readonly reason: string;
}

/** Why `value` is not a value of the field type; null when it is. */
export function refusalOf<T extends TSchema>(type: T, value: unknown): FieldRefusal | null {
  const field = type as FieldType;
  if (Array.isArray(value) && field.type === "array") return refusalOfList(field, value);
  if (field.type === "object" && field.patternProperties && isMapping(value)) return refusalOfMap(field, value);
  if (!Value.Check(field, value)) return { path: [], reason: field.errorMessage ?? "is of the wrong kind" };
  const reason = typeof value === "string" ? (field[refuseValue]?.(value) ?? null) : null;
  return reason === null ? null : { path: [], reason };
}

/** Type guard of the same check. */
export function isOf<T extends TSchema>(type: T, value: unknown): value is Static<T> {
  return refusalOf(type, value) === null;
}

function refusalOfList(field: FieldType, items: readonly unknown[]): FieldRefusal | null {
  for (const [index, item] of items.entries()) {
    const refusal = refusalOf(field.items as TSchema, item);
    if (refusal !== null) return { path: [index, ...refusal.path], reason: refusal.reason };
  }
  return Value.Check(field, items) ? null : { path: [], reason: field.errorMessage ?? "is not such a list" };
}

function refusalOfMap(field: FieldType, map: Record<string, unknown>): FieldRefusal | null {
  for (const [key, value] of Object.entries(map)) {
    const inName = field[refuseKey]?.(key) ?? null;
    if (inName !== null) return { path: [key], reason: `has a name that ${inName}` };
    if (typeof value !== "string" && !Number.isInteger(value)) {
      return { path: [key], reason: "must be text or a whole number" };
    }
    const inValue = field[refuseValue]?.(String(value)) ?? null;
    if (inValue !== null) return { path: [key], reason: inValue };
  }
  return null;
}

/** A mapping as readYaml makes it. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
