/**
 * Which methods a path knows, and which fields a body may have. Elysia answers 404 to a wrong method; this table makes it a 405
 * with `Allow`. And where a schema is closed, Elysia takes away what it does not know without a word.
 */

export interface Endpoint {
  readonly method: string;
  /** With `:name` and `*` as the router has it. */
  readonly path: string;
  readonly hooks?: { readonly detail?: { readonly operationId?: string }; readonly body?: unknown };
}

interface Place {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
  /** `operationId` by method. */
  readonly operations: Map<string, string>;
  /** Of the bodies that may have no others, by method. */
  readonly fields: Map<string, ReadonlySet<string>>;
}

const split = (path: string) => path.split("/").filter((segment) => segment !== "");

function fits(place: Place, segments: readonly string[]): boolean {
  const wildcard = place.segments.at(-1) === "*";
  if (wildcard ? segments.length < place.segments.length : segments.length !== place.segments.length) return false;
  return place.segments.every((wanted, at) => wanted === "*" || wanted.startsWith(":") || wanted === segments[at]);
}

const rank = (segment: string) => (segment === "*" ? 2 : segment.startsWith(":") ? 1 : 0);

/** A literal beats a parameter beats a wildcard, at the first segment in which two places differ. */
function byPrecedence(a: Place, b: Place): number {
  for (let at = 0; at < Math.min(a.segments.length, b.segments.length); at++) {
    const difference = rank(a.segments[at]!) - rank(b.segments[at]!);
    if (difference !== 0) return difference;
  }
  return b.segments.length - a.segments.length;
}

export interface MethodTable {
  /** Methods of the place that a path means, HEAD and OPTIONS included; null when nothing is there. */
  allowed(path: string): readonly string[] | null;
  /** `operationId` of what serves this; null when nothing does. */
  operation(method: string, path: string): string | null;
  /** Names of the fields of a body that may have no others; null where it may. */
  fields(method: string, path: string): ReadonlySet<string> | null;
}

/** @param schema a JSON schema, if there is one */
function closedFields(schema: unknown): ReadonlySet<string> | null {
  const { additionalProperties, properties } = (schema ?? {}) as {
    additionalProperties?: unknown;
    properties?: object;
  };
  return additionalProperties === false && properties ? new Set(Object.keys(properties)) : null;
}

export function createMethodTable(endpoints: readonly Endpoint[]): MethodTable {
  const places = new Map<string, Place>();
  for (const { method, path, hooks } of endpoints) {
    const segments = split(path);
    const key = segments.map((segment) => (segment.startsWith(":") ? ":" : segment)).join("/");
    const place = places.get(key) ?? {
      segments,
      methods: new Set(["OPTIONS"]),
      operations: new Map(),
      fields: new Map(),
    };
    places.set(key, place);
    place.methods.add(method);
    if (method === "GET") place.methods.add("HEAD");
    if (hooks?.detail?.operationId) place.operations.set(method, hooks.detail.operationId);
    const fields = closedFields(hooks?.body);
    if (fields) place.fields.set(method, fields);
  }
  const ordered = [...places.values()].sort(byPrecedence);
  // Most requests name a place without parameters: nothing has to be searched for them.
  const literal = new Map(
    ordered
      .filter(({ segments }) => segments.every((segment) => rank(segment) === 0))
      .map((place) => [`/${place.segments.join("/")}`, place]),
  );
  const methods = new Map(ordered.map((place) => [place, [...place.methods].sort()]));
  const placeOf = (path: string) => {
    const known = literal.get(path);
    if (known) return known;
    const segments = split(path);
    return ordered.find((candidate) => fits(candidate, segments));
  };
  return {
    allowed(path) {
      const place = placeOf(path);
      return (place && methods.get(place)) ?? null;
    },
    operation: (method, path) => placeOf(path)?.operations.get(method) ?? null,
    fields: (method, path) => placeOf(path)?.fields.get(method) ?? null,
  };
}
