/** Making and updating elements. Text only ever goes in as text. */

export type Child = Node | string | number | null | undefined | false | readonly Child[];

/** `style` takes custom properties; they are set through the CSSOM, which the Content-Security-Policy allows. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>> & {
  readonly style?: never;
};

/** An element. An attribute that is false, null or undefined is left out; true becomes an empty one. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture of the sprite in index.html; it is decoration, the word beside it carries the meaning. */
export function picture(id: string, kind: "glyph" | "icon" = id.startsWith("g-") ? "glyph" : "icon"): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  setAttributes(svg, { class: kind, "aria-hidden": "true" });
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** @param names custom properties and their values, such as `--part` */
export function withProperties<E extends HTMLElement>(element: E, names: Readonly<Record<string, string | number>>): E {
  for (const [name, value] of Object.entries(names)) element.style.setProperty(name, String(value));
  return element;
}

/**
 * Makes the children of `parent` look like `wanted` while keeping the elements that are already there, so that focus,
 * selection, open details and a press that is under way survive, also where something comes in before them or goes.
 * Children that are custom elements keep their own content.
 */
export function morph(parent: Element, ...wanted: Child[]): void {
  const next = flat(wanted);
  let at = 0;
  let present = parent.firstChild;
  for (let child = next[0]; present && child && alike(present, child); child = next[++at]) {
    become(present, child);
    present = present.nextSibling;
  }
  if (present && at < next.length) rearrange(parent, present, next.slice(at));
  else if (present) removeFrom(present);
  else parent.append(...next.slice(at));
}

/** From the first on that is not what is wanted there. */
function rearrange(parent: Element, first: ChildNode, next: readonly Node[]): void {
  const toCome = new Kinds(next);
  const there = new Kinds([...parent.childNodes].slice([...parent.childNodes].indexOf(first)));
  let present: ChildNode | null = first;
  for (const child of next) {
    toCome.take(child);
    // What is wanted no more makes room for what stands behind it.
    while (present && !alike(present, child) && there.has(child) && !toCome.has(present)) {
      const gone: ChildNode = present;
      there.take(gone);
      present = gone.nextSibling;
      gone.remove();
    }
    if (!present) parent.append(child);
    else if (!alike(present, child) && toCome.has(present)) parent.insertBefore(child, present);
    else {
      const old: ChildNode = present;
      there.take(old);
      present = old.nextSibling;
      if (alike(old, child)) become(old, child);
      else old.replaceWith(child);
    }
  }
  if (present) removeFrom(present);
}

function removeFrom(first: ChildNode): void {
  while (first.nextSibling) first.nextSibling.remove();
  first.remove();
}

function become(present: ChildNode, wanted: Node): void {
  if (present instanceof Element && wanted instanceof Element) update(present, wanted);
  else if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
}

/** How many of each kind are left: elements of one name and key are of one kind. */
class Kinds {
  readonly #counts = new Map<string, number>();

  constructor(nodes: Iterable<Node>) {
    for (const node of nodes) this.#counts.set(kindOf(node), this.#count(node) + 1);
  }

  has(node: Node): boolean {
    return this.#count(node) > 0;
  }

  take(node: Node): void {
    this.#counts.set(kindOf(node), this.#count(node) - 1);
  }

  #count(node: Node): number {
    return this.#counts.get(kindOf(node)) ?? 0;
  }
}

function update(present: Element, wanted: Element): void {
  for (const { name } of [...present.attributes]) {
    const isOwnState = name === "style" || (name === "open" && present.localName === "details");
    if (!isOwnState && !wanted.hasAttribute(name)) present.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
  if (present instanceof HTMLElement && wanted instanceof HTMLElement && present.style.cssText !== wanted.style.cssText)
    present.style.cssText = wanted.style.cssText;
  // A choice follows the state, whatever was clicked since.
  if (present instanceof HTMLInputElement && wanted instanceof HTMLInputElement) present.checked = wanted.checked;
  if (!present.localName.includes("-")) morph(present, ...wanted.childNodes);
}

const alike = (a: Node, b: Node): boolean => kindOf(a) === kindOf(b);

function kindOf(node: Node): string {
  const key = node instanceof Element ? node.getAttribute("data-key") : null;
  return key === null ? node.nodeName : `${node.nodeName} ${key}`;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

function append(element: Element, children: readonly Child[]): void {
  element.append(...flat(children));
}

function flat(children: readonly Child[]): Node[] {
  return children.flatMap((child): Node[] => {
    if (child === null || child === undefined || child === false) return [];
    if (child instanceof Node) return [child];
    if (typeof child === "object") return flat(child);
    return [document.createTextNode(String(child))];
  });
}
