/** Changes keys of one mapping in the text of a YAML file and keeps everything else in it: comments, order, other keys. */
import { type Document, isMap, isScalar, isSeq, parseDocument, visit, type YAMLMap, type YAMLSeq } from "yaml";
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
  const document = openDocument(name, text);
  let map: unknown = document.contents;
  const touched: unknown[] = [];
  for (const key of path) {
    map = below(document, map as YAMLMap, key, name);
    touched.push(map);
  }
  const within = map as YAMLMap;
  refuseShared(
    document,
    name,
    touched,
    Object.keys(changes).map((key) => within.get(key, true)),
  );
  for (const [key, value] of Object.entries(changes)) set(document, within, key, value);
  prune(document, path);
  return textOf(document);
}

export const textOf = (document: Document): string => document.toString({ lineWidth: 0, flowCollectionPadding: false });

/** A document that is a mapping, an empty one where there is no text. @throws Fault 409 `file_unusable` */
export function openDocument(name: string, text: string): Document {
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
  if (document.errors.length > 0) throw unusable(name, "it is not YAML");
  if (document.contents === null) document.contents = document.createNode({}) as unknown as typeof document.contents;
  if (!isMap(document.contents)) throw unusable(name, "it is not a mapping");
  return document;
}

/** What an alias means elsewhere would change there, too, or be gone. @param holders changed in part. @param replaced as a whole */
export function refuseShared(
  document: Document,
  name: string,
  holders: readonly unknown[],
  replaced: readonly unknown[],
): void {
  const meant = new Set<string>();
  visit(document, { Alias: (_, { source }) => void meant.add(source) });
  if (meant.size === 0) return;
  const shared = (node: unknown) => {
    const anchor = (node as { anchor?: string } | null | undefined)?.anchor;
    if (anchor !== undefined && meant.has(anchor)) throw unusable(name, "an alias elsewhere in it means the same");
  };
  holders.forEach(shared);
  for (const node of replaced)
    if (isMap(node) || isSeq(node) || isScalar(node)) visit(node, { Node: (_, each) => shared(each) });
}

function below(document: Document, map: YAMLMap, key: string, name: string): YAMLMap {
  const present: unknown = map.get(key, true);
  if (isMap(present)) return present;
  if (present !== undefined && !(isScalar(present) && present.value === null))
    throw unusable(name, `"${key}" is not a mapping`);
  const made = document.createNode({}) as YAMLMap;
  map.flow = false;
  map.set(key, made);
  keepComments(present, made);
  return made;
}

/** What stands beside and below a key without a value would go with it. */
export function keepComments(present: unknown, made: YAMLMap | YAMLSeq): void {
  if (!isScalar(present)) return;
  const comments = [present.commentBefore, present.comment].filter((comment) => comment != null);
  if (comments.length > 0) made.commentBefore = comments.join("\n");
}

/** Keeps the comments beside what is replaced, and beside all that stays of a list or a mapping. */
export function set(document: Document, map: YAMLMap, key: string, value: EditValue | null): void {
  const present: unknown = map.get(key, true);
  // One that stands there twice counts once: of the first the second would take the place.
  if (value === null) while (map.delete(key));
  else if (isScalar(present) && typeof value !== "object") present.value = value;
  else if (isSeq(present) && isList(value)) setItems(document, present, value);
  else if (isMap(present) && typeof value === "object" && !isList(value)) {
    for (const { key: old } of [...present.items])
      if (!isScalar(old) || !Object.hasOwn(value, String(old.value))) present.delete(old);
    for (const [name, each] of Object.entries(value)) set(document, present, name, each);
  } else {
    if (map.items.length === 0) map.flow = false;
    map.set(key, document.createNode(value));
  }
}

const isList = (value: EditValue): value is readonly string[] => Array.isArray(value);

function setItems(document: Document, list: YAMLSeq, texts: readonly string[]): void {
  const old = [...list.items];
  list.items = texts.map((text) => {
    const at = old.findIndex((item) => isScalar(item) && item.value === text);
    return at < 0 ? document.createNode(text) : old.splice(at, 1)[0];
  });
}

/** A mapping that has become empty goes, unless a comment stands in it, or above a whole section. */
function prune(document: Document, path: readonly string[]): void {
  for (let length = path.length; length > 0; length -= 1) {
    const at = path.slice(0, length);
    const map = document.getIn(at, true);
    if (!isMap(map) || map.items.length > 0 || map.comment || map.commentBefore) return;
    if (length === 1 && hasCommentAbove(document.contents, at[0])) return;
    document.deleteIn(at);
  }
}

export function hasCommentAbove(root: unknown, name: string | undefined): boolean {
  const keys = isMap(root) ? root.items.map(({ key }) => key) : [];
  return keys.some((key) => isScalar(key) && key.value === name && Boolean(key.commentBefore));
}

export function unusable(name: string, why: string): Fault {
  const message = `${name} cannot be changed from here, because ${why}. Mend it by hand, or move it away; nothing was written.`;
  return new Fault("conflict", "file_unusable", message);
}
