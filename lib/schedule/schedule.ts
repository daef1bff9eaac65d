/** The schedule as it appears on the wire: what other systems plan to do with the GPUs, and when. Nothing here is ever executed. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

const NAME = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

export const LONGEST_SECONDS = 7 * 86_400;

export const ScheduleOrderSchema = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: NAME,
        description: "Yours to choose; the same id again replaces the entry. Made when left out",
      }),
    ),
    owner: Type.String({
      minLength: 1,
      maxLength: 80,
      description: "Which system plans this; the holder of its locks",
    }),
    title: Type.String({ minLength: 1, maxLength: 120 }),
    model: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, pattern: NAME, description: "Key of the catalog" }),
    ),
    slot: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: NAME,
        description: "Where; with neither model nor slot it wants the whole cluster",
      }),
    ),
    at: Type.Optional(
      Type.String({
        minLength: 10,
        maxLength: 40,
        description: "Once: ISO 8601. Without an offset it is local time in `timezone`",
      }),
    ),
    cron: Type.Optional(
      Type.String({ minLength: 5, maxLength: 120, description: "Again and again: five fields, as in crontab" }),
    ),
    timezone: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: "IANA name such as Europe/Berlin; default UTC" }),
    ),
    duration_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: LONGEST_SECONDS, description: "How long it is expected to take" }),
    ),
    note: Type.Optional(Type.String({ maxLength: 500 })),
    link: Type.Optional(Type.String({ maxLength: 500, description: "http or https: where to read more" })),
  },
  { title: "ScheduleOrder", additionalProperties: false },
);
export type ScheduleOrder = Static<typeof ScheduleOrderSchema>;

export type Stale = "over" | "not_renewed";

export const ScheduleEntrySchema = Type.Object(
  {
    id: Type.String(),
    owner: Type.String(),
    title: Type.String(),
    model: Nullable(Type.String()),
    slot: Nullable(Type.String()),
    at: Nullable(Type.String({ description: "As it was registered" })),
    cron: Nullable(Type.String()),
    timezone: Type.String(),
    duration_seconds: Nullable(Type.Integer()),
    note: Nullable(Type.String()),
    link: Nullable(Type.String()),
    created_at: Type.String(),
    updated_at: Type.String({ description: "When it was registered last" }),
    next_run: Nullable(Type.String()),
    next_runs: Type.Array(Type.String(), { description: "The next five" }),
    stale: Type.Unsafe<Stale | null>(
      Type.Union([Type.Literal("over"), Type.Literal("not_renewed"), Type.Null()], {
        description:
          "over: it does not run any more. not_renewed: its owner has not registered it for 30 days and may have forgotten it",
      }),
    ),
  },
  { title: "ScheduleEntry" },
);
export type ScheduleEntry = Static<typeof ScheduleEntrySchema>;

/** What is kept; the rest is computed when it is looked at. */
export type KeptEntry = Readonly<Omit<ScheduleEntry, "next_run" | "next_runs" | "stale">>;

export const RunSchema = Type.Object(
  {
    entry_id: Type.String(),
    title: Type.String(),
    owner: Type.String(),
    model: Nullable(Type.String()),
    slot: Nullable(Type.String()),
    starts_at: Type.String(),
    ends_at: Nullable(Type.String({ description: "Null: no duration was given" })),
  },
  { title: "ScheduledRun" },
);
export type Run = Static<typeof RunSchema>;

export type WarningKind = "overlap" | "reserved" | "unknown_model" | "unknown_slot";

export const WarningSchema = Type.Object(
  {
    kind: Type.Unsafe<WarningKind>(
      Type.Union((["overlap", "reserved", "unknown_model", "unknown_slot"] as const).map((name) => Type.Literal(name))),
    ),
    entries: Type.Array(Type.String(), { description: "Ids" }),
    at: Nullable(Type.String({ description: "When it happens first" })),
    message: Type.String(),
  },
  { title: "ScheduleWarning" },
);
export type Warning = Static<typeof WarningSchema>;

export const ScheduleSchema = Type.Object(
  {
    now: Type.String(),
    until: Type.String({ description: "How far `runs` and `warnings` look" }),
    entries: Type.Array(ScheduleEntrySchema),
    runs: Type.Array(RunSchema, { description: "Running and coming ones, by their start" }),
    warnings: Type.Array(WarningSchema),
  },
  { title: "Schedule" },
);
export type Schedule = Static<typeof ScheduleSchema>;
