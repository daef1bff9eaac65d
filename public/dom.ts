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
 * selection and open details survive. Children that are custom elements keep their own content.
 */
export function morph(parent: Element, ...wanted: Child[]): void {
  const next = flat(wanted);
  next.forEach((child, index) => {
    const present = parent.childNodes[index];
    if (!present) parent.append(child);
    else if (!alike(present, child)) present.replaceWith(child);
    else if (present instanceof Element && child instanceof Element) update(present, child);
    else if (present.nodeValue !== child.nodeValue) present.nodeValue = child.nodeValue;
  });
  while (parent.childNodes.length > next.length) parent.lastChild?.remove();
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

function alike(a: Node, b: Node): boolean {
  if (a.nodeName !== b.nodeName) return false;
  return !(a instanceof Element && b instanceof Element) || a.getAttribute("data-key") === b.getAttribute("data-key");
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
