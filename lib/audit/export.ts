/** The audit log as a file: CSV (RFC 4180) or one JSON object a line. Pure. */
import type { AuditEntry } from "./audit.ts";

export type ExportFormat = "csv" | "ndjson";

const COLUMNS = [
  "id",
  "at",
  "via",
  "address",
  "user_agent",
  "holder",
  "action",
  "method",
  "path",
  "outcome",
  "status",
  "code",
  "details",
  "request_id",
  "count",
  "last_at",
] as const satisfies readonly (keyof AuditEntry)[];

/** A cell that begins with one of these is a formula to a spreadsheet, and user agents come from anyone. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: AuditEntry[keyof AuditEntry]): string {
  const text = value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const harmless = FORMULA.test(text) && typeof value !== "number" ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export const headOf = (format: ExportFormat): string => (format === "csv" ? `${COLUMNS.join(",")}\r\n` : "");

export function lineOf(format: ExportFormat, entry: AuditEntry): string {
  if (format === "ndjson") return `${JSON.stringify(entry)}\n`;
  return `${COLUMNS.map((column) => cell(entry[column])).join(",")}\r\n`;
}
