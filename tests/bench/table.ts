/** Figures as a text table, which is Markdown too. */
import { type Bar, type Result, verdict } from "./figure.ts";
import { median } from "./statistics.ts";

const HEAD = ["", "rounds", "median", "spread", "bar", ""] as const;

/** One line a result, columns aligned; what was skipped says why instead of figures. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => ("skipped" in result ? [result.name, result.skipped] : figures(result)));
  const widths = HEAD.map((title, column) =>
    Math.max(3, title.length, ...rows.filter((row) => row.length > 2).map((row) => row[column]?.length ?? 0)),
  );
  const name = Math.max(...results.map((result) => result.name.length), 3);
  const width = (column: number) => (column === 0 ? name : (widths[column] ?? 0));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column)))).join(" | ")} |`;
  const rule = `|${HEAD.map((_, column) => (column === 0 ? "-".repeat(width(0) + 2) : `${"-".repeat(width(column) + 1)}:`)).join("|")}|`;
  const body = results.map((result, index) =>
    "skipped" in result ? `| ${result.name.padEnd(name)} | skipped: ${result.skipped} |` : line(rows[index] ?? []),
  );
  return [line(HEAD), rule, ...body].join("\n");
}

function figures(result: Exclude<Result, { readonly skipped: string }>): string[] {
  const { name, values, unit, bar } = result;
  const spread = values.length > 1 ? `${number(Math.min(...values))}–${number(Math.max(...values))}` : "";
  return [name, String(values.length), `${number(median(values))} ${unit}`, spread, said(bar, unit), verdict(result)];
}

function said(bar: Bar | null, unit: string): string {
  if (bar === null) return "";
  if ("below" in bar) return `< ${bar.below} ${unit}`;
  return "atMost" in bar ? `≤ ${bar.atMost} ${unit}` : `≥ ${bar.atLeast} ${unit}`;
}

/** Three significant digits; whole numbers from 100 on. */
function number(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}
