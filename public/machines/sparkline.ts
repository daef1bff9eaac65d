/** One hour of a figure as a small line, with gaps where nothing is known. */

const WIDTH = 120;
const HEIGHT = 28;
/** Half a line and half a dot have room. */
const EDGE = 2;
const SVG = "http://www.w3.org/2000/svg";

export interface Sparkline {
  /** Oldest first, evenly spaced; null: not known. */
  readonly values: readonly (number | null)[];
  /** Value at the upper edge; the lower one is 0. */
  readonly most: number;
  /** The same in words. */
  readonly label: string;
}

export function sparkline({ values, most, label }: Sparkline): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" };
  for (const [name, value] of Object.entries({ ...attributes, "aria-label": label })) svg.setAttribute(name, value);
  const { line, end } = pathsOf(values, most);
  svg.append(path("spark-base", `M0 ${HEIGHT - 0.5}H${WIDTH}`), path("spark-line", line), path("spark-end", end));
  return svg;
}

function path(name: string, d: string): SVGPathElement {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("class", name);
  element.setAttribute("d", d);
  return element;
}

/** Pure. `line`: one piece for each run of known values; `end`: a dot at the last value, where the hour ends with one. */
export function pathsOf(values: readonly (number | null)[], most: number): { line: string; end: string } {
  const x = (index: number) => round((index / Math.max(1, values.length - 1)) * WIDTH);
  const y = (value: number) =>
    round(HEIGHT - EDGE - (Math.min(Math.max(value, 0), most) / Math.max(most, 1e-9)) * (HEIGHT - 2 * EDGE));
  let line = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const isFirst = (values[index - 1] ?? null) === null;
    // A lonely value is a dot: a line needs a length.
    const isAlone = isFirst && (values[index + 1] ?? null) === null;
    line += `${isFirst ? "M" : "L"}${x(index)} ${y(value)}${isAlone ? "h0.01" : ""}`;
  });
  const last = values.at(-1) ?? null;
  return { line, end: last === null ? "" : `M${x(values.length - 1)} ${y(last)}h0.01` };
}

const round = (value: number): number => Math.round(value * 10) / 10;
