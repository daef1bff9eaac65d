/** Changes one entry of a list of named mappings in the text of a YAML file and keeps everything else in it. */
import { type Document, isMap, isScalar, isSeq, type YAMLMap, YAMLSeq } from "yaml";
import {
  type Changes,
  hasCommentAbove,
  keepComments,
  openDocument,
  refuseShared,
  set,
  textOf,
  unusable,
} from "./edit-mapping.ts";

export interface NamedList {
  /** Key of the list in the file. */
  readonly key: string;
  /** Of an entry that says none. */
  impliedName(index: number): string;
  /** What is there without any entry, and has to be said once there is another one. */
  readonly first: string;
}

/**
 * @param values null removes the entry; one that has nothing but its name afterwards is removed too, unless it is the first
 * @throws Fault 409 `file_unusable` when the file is not of a shape that could be kept
 */
export function editEntry(file: string, text: string, of: NamedList, name: string, values: Changes | null): string {
  const document = openDocument(file, text);
  const root = document.contents as unknown as YAMLMap;
  const list = listOf(document, file, root, of.key);
  const nameOf = (entry: YAMLMap, index: number) => String(entry.get("name") ?? of.impliedName(index));
  let entry = list.items.find((each, index) => nameOf(each, index) === name);
  const replaced = values === null ? [entry] : Object.keys(values).map((key) => entry?.get(key, true));
  refuseShared(document, file, [list, entry], replaced);
  if (values !== null) {
    if (list.items.length === 0) {
      list.flow = false;
      if (name !== of.first) list.items.push(document.createNode({ name: of.first }) as YAMLMap);
    }
    if (!entry) {
      entry = document.createNode({ name }) as YAMLMap;
      list.items.push(entry);
    }
    for (const [key, value] of Object.entries(values)) set(document, entry, key, value);
  }
  const isEmpty = entry?.items.every(({ key }) => isScalar(key) && key.value === "name") ?? false;
  if (entry && (values === null || (isEmpty && name !== of.first))) {
    // Their places in the list, and with them the names that they go by, change.
    for (const [index, each] of list.items.entries()) if (!each.has("name")) each.set("name", of.impliedName(index));
    list.items = list.items.filter((each) => each !== entry);
  }
  const hasComment = list.comment || list.commentBefore || hasCommentAbove(root, of.key);
  if (list.items.length === 0 && !hasComment) root.delete(of.key);
  return textOf(document);
}

function listOf(document: Document, file: string, root: YAMLMap, key: string): YAMLSeq<YAMLMap> {
  const present: unknown = root.get(key, true);
  if (isSeq(present)) {
    if (present.items.every((item) => isMap(item))) return present as YAMLSeq<YAMLMap>;
    throw unusable(file, `an entry of "${key}" is not a mapping`);
  }
  if (present !== undefined && !(isScalar(present) && present.value === null))
    throw unusable(file, `"${key}" is not a list`);
  const made = new YAMLSeq<YAMLMap>(document.schema);
  root.flow = false;
  root.set(key, made);
  keepComments(present, made);
  return made;
}
