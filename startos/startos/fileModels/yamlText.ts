/**
 * topology.yaml and services-overrides.yaml are written by the owner's hand and by the dashboard too: as text, so that comments,
 * order and keys that are unknown here survive an action.
 */
import { FileHelper, YAML } from "@start9labs/start-sdk";
import { sdk } from "../sdk";

export const topologyYaml = FileHelper.string({ base: sdk.volumes.main, subpath: "topology.yaml" });
export const servicesYaml = FileHelper.string({ base: sdk.volumes.main, subpath: "services-overrides.yaml" });

type Value = string | number | boolean | null;

/** A file that cannot be kept as it is: nothing is written then. */
export class Unusable extends Error {}

export class YamlText {
  private constructor(private readonly document: YAML.Document) {}

  /** @throws Unusable */
  static parse(name: string, text: string | null): YamlText {
    const document = YAML.parseDocument(text ?? "", { schema: "core", prettyErrors: false, logLevel: "silent" });
    if (document.contents === null) document.contents = document.createNode({}) as never;
    if (document.errors.length > 0 || !YAML.isMap(document.contents)) throw new Unusable(name);
    return new YamlText(document);
  }

  /** The value at the path if it is text, a number or a truth value. */
  get(path: Path): Value {
    const place = this.#resolve(path, false);
    const value: unknown = place === null ? null : this.document.getIn(place);
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
  }

  /** Null removes it. @throws Unusable */
  set(path: Path, value: Value): void {
    const place = this.#resolve(path, value !== null);
    if (place === null) return;
    const present = this.document.getIn(place, true);
    if (value === null) this.document.deleteIn(place);
    else if (YAML.isScalar(present)) present.value = value;
    else this.document.setIn(place, value);
  }

  /** A list of text, such as the nodes of a slot, unless it is there. */
  setListOnce(path: Path, items: readonly string[]): void {
    const place = this.#resolve(path, true);
    if (place !== null && this.document.getIn(place) === undefined)
      this.document.setIn(place, this.document.createNode([...items]));
  }

  toString(): string {
    return this.document.toString({ lineWidth: 0, flowCollectionPadding: false });
  }

  /** `{ list, name }` is the entry of that name in a list. Null: it is not there and is not to be made. */
  #resolve(path: Path, make: boolean): (string | number)[] | null {
    const place: (string | number)[] = [];
    for (const step of path) {
      if (typeof step === "string") {
        place.push(step);
        continue;
      }
      place.push(step.list);
      const items: unknown = this.document.getIn(place, true);
      const names = YAML.isSeq(items) ? items.items.map((item) => (YAML.isMap(item) ? item.get("name") : null)) : [];
      const found = names.indexOf(step.name);
      if (found < 0 && !make) return null;
      if (found < 0 && items !== undefined && !YAML.isSeq(items)) throw new Unusable(step.list);
      if (items === undefined) this.document.setIn(place, this.document.createNode([]));
      if (found < 0) this.document.addIn(place, this.document.createNode({ name: step.name }));
      place.push(found < 0 ? names.length : found);
    }
    return place;
  }
}

export type Path = readonly (string | { readonly list: string; readonly name: string })[];
