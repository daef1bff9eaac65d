/** What was taken over from the earlier version's data, and what was not. Secrets are named, never shown. */
import { type Static, Type } from "@sinclair/typebox";
import { Fault } from "../fault.ts";

const OUTCOMES = ["taken", "kept", "not_taken"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const UpgradeItemSchema = Type.Object(
  {
    source: Type.String({ description: "File of the earlier version, relative to the data folder" }),
    item: Type.String({
      description:
        "Name of a setting, key of a model or service, or such a key with one of its values (parakeet.port), host of a key; empty: the file",
    }),
    outcome: Type.Unsafe<Outcome>(
      Type.Union(
        OUTCOMES.map((word) => Type.Literal(word)),
        { description: "kept: something newer is there already and stays, or it was blank" },
      ),
    ),
    detail: Type.Union([Type.String(), Type.Null()], { description: "Where it is now, or why it was not taken" }),
  },
  { title: "UpgradeItem" },
);
export type UpgradeItem = Static<typeof UpgradeItemSchema>;

export const UpgradeReportSchema = Type.Object(
  {
    at: Type.String({ description: "ISO 8601 UTC" }),
    items: Type.Array(UpgradeItemSchema),
    originals: Type.Union([Type.String(), Type.Null()], {
      description: "Folder below the data folder with files as they were before they were rewritten; null: none was",
    }),
  },
  { title: "UpgradeReport" },
);
export type UpgradeReport = Static<typeof UpgradeReportSchema>;

/** Collects items of one file. */
export class ItemLog {
  readonly items: UpgradeItem[] = [];

  add(source: string, item: string, outcome: Outcome, detail: string | null = null): void {
    this.items.push({ source, item, outcome, detail });
  }
}

/** What was to be taken was not, after all. */
export const undone = (items: readonly UpgradeItem[], why: string): UpgradeItem[] =>
  items.map((item) => (item.outcome === "taken" ? { ...item, outcome: "not_taken", detail: why } : item));

/** Of something that failed, for a person; never with what was in a file. */
export function reasonOf(error: unknown): string {
  if (error instanceof Fault) return error.message;
  const code = (error as { code?: unknown } | null)?.code;
  return `It could not be done (${typeof code === "string" ? code : "unknown error"}); the log says more.`;
}
