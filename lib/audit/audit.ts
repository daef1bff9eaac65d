/** The audit log as it appears on the wire: who did what, when, and how it ended. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

export const VIAS = ["dashboard", "api", "gateway", "controller"] as const;
export type Via = (typeof VIAS)[number];
export const OUTCOMES = ["done", "refused", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

const Detail = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.String())]);

export const AuditEntrySchema = Type.Object(
  {
    id: Type.Integer({ description: "Grows with time" }),
    at: Type.String(),
    last_at: Type.String({ description: "Where `count` is more than 1: when it happened last; else as `at`" }),
    via: Type.Unsafe<Via>(
      Type.Union(
        VIAS.map((name) => Type.Literal(name)),
        {
          description:
            "dashboard: a browser. api: any other client. gateway: a request for a model that was not loaded. controller: it happened by itself",
        },
      ),
    ),
    address: Nullable(Type.String({ description: "Of the client; behind a trusted proxy, as the proxy tells it" })),
    user_agent: Nullable(Type.String()),
    holder: Nullable(Type.String({ description: "Of the reservation that it was about, or that was used" })),
    action: Type.String({ description: "`operationId` of the request, or the event" }),
    method: Nullable(Type.String()),
    path: Nullable(Type.String()),
    outcome: Type.Unsafe<Outcome>(
      Type.Union(
        OUTCOMES.map((name) => Type.Literal(name)),
        { description: "refused: nothing was changed, the request was at fault. failed: something else was" },
      ),
    ),
    status: Nullable(Type.Integer({ description: "HTTP status" })),
    code: Nullable(Type.String({ description: "Of the problem, when it was not done" })),
    details: Type.Record(Type.String(), Detail, { description: "What it was about; never a token or a secret" }),
    request_id: Nullable(Type.String()),
    count: Type.Integer({ description: "How often the same was refused, or failed, within a minute" }),
  },
  { title: "AuditEntry" },
);
export type AuditEntry = Static<typeof AuditEntrySchema>;
export type Details = AuditEntry["details"];

/** What is noted; the log adds id, times and count. */
export type AuditNote = Omit<AuditEntry, "id" | "at" | "last_at" | "count">;

export const AuditPageSchema = Type.Object(
  {
    entries: Type.Array(AuditEntrySchema),
    next: Type.Union([Type.Integer(), Type.Null()], { description: "`before` of the next page; null on the last one" }),
  },
  { title: "AuditPage" },
);

export interface AuditFilter {
  /** ISO 8601: from this time on. */
  readonly from?: string | undefined;
  /** ISO 8601: before this time. */
  readonly to?: string | undefined;
  readonly via?: Via | undefined;
  readonly outcome?: Outcome | undefined;
  readonly action?: string | undefined;
  readonly address?: string | undefined;
  readonly holder?: string | undefined;
  /** Found in path, details, user agent or code. */
  readonly text?: string | undefined;
}
