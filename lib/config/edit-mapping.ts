/** Changes keys of one mapping in the text of a YAML file and keeps everything else in it: comments, order, other keys. */
import { type Document, isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { Fault } from "../fault.ts";

export type EditValue = string | number | boolean | readonly string[] | Readonly<Record<string, string | number>>;
/** Null removes the key. */
export type Changes = Readonly<Record<string, EditValue | null>>;

/**
 * @param path of the mapping from the root; made where it is missing
 * @param name of the file, for people
 * @throws Fault 409 `file_unusable` when the file is not of a shape that could be kept
 */
export function editMapping(name: string, text: string, path: readonly string[], changes: Changes): string {
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
  if (document.errors.length > 0) throw unusable(name, "it is not YAML");
  if (document.contents === null) document.contents = document.createNode({}) as unknown as typeof document.contents;
  let map: unknown = document.contents;
  if (!isMap(map)) throw unusable(name, "it is not a mapping");
  for (const key of path) map = below(document, map as YAMLMap, key, name);
  for (const [key, value] of Object.entries(changes)) set(document, map as YAMLMap, key, value);
  prune(document, path);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function below(document: Document, map: YAMLMap, key: string, name: string): YAMLMap {
  const present: unknown = map.get(key, true);
  if (isMap(present)) return present;
  if (present !== undefined && !(isScalar(present) && present.value === null))
    throw unusable(name, `"${key}" is not a mapping`);
  const made = document.createNode({}) as YAMLMap;
  map.flow = false;
  map.set(key, made);
  return made;
}

/** Keeps the comment beside a value that is replaced. */
function set(document: Document, map: YAMLMap, key: string, value: EditValue | null): void {
  const present: unknown = map.get(key, true);
  if (value === null) map.delete(key);
  else if (isScalar(present) && typeof value !== "object") present.value = value;
  else {
    if (map.items.length === 0) map.flow = false;
    map.set(key, document.createNode(value));
  }
}

/** A mapping that has become empty goes, unless a comment stands in it. */
function prune(document: Document, path: readonly string[]): void {
  for (let length = path.length; length > 0; length -= 1) {
    const at = path.slice(0, length);
    const map = document.getIn(at, true);
    if (!isMap(map) || map.items.length > 0 || map.comment || map.commentBefore) return;
    document.deleteIn(at);
  }
}

function unusable(name: string, why: string): Fault {
  const message = `${name} cannot be changed from here, because ${why}. Mend it by hand, or move it away; nothing was written.`;
  return new Fault("conflict", "file_unusable", message);
}
