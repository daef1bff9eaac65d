/** Requests that passed through the gateway, as they appear on the wire: figures and names, never content. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

export const OUTCOMES = ["complete", "failed", "left", "refused"] as const;
export type RequestOutcome = (typeof OUTCOMES)[number];

const Count = (description: string) => Nullable(Type.Integer({ description }));
const Milliseconds = (description: string) => Nullable(Type.Number({ description }));

export const RequestEntrySchema = Type.Object(
  {
    id: Type.Integer({ description: "Grows with each entry" }),
    at: Type.String({ description: "ISO 8601 UTC, when it was over" }),
    route: Type.String({ description: "Path of the route" }),
    upstream: Nullable(
      Type.String({ description: "`slot:<name>` or `service:<name>`; null: refused before one was chosen" }),
    ),
    model: Nullable(Type.String({ description: "As the upstream calls it; as it was asked for where none was found" })),
    caller: Type.String({ description: "An address, or `key` and a short hash of the API key" }),
    outcome: Type.Unsafe<RequestOutcome>(
      Type.Union(
        OUTCOMES.map((name) => Type.Literal(name)),
        {
          description:
            "complete: answered to its end, whatever its status. failed: broke off, or gave no answer. left: the client went away. refused: not passed on",
        },
      ),
    ),
    status: Count("HTTP status of the answer; null when the client had left before it"),
    code: Nullable(Type.String({ description: "Of the error, when Spark Control told one" })),
    queue_ms: Type.Number({ description: "Waited for a place" }),
    ttft_ms: Milliseconds("From admission to the first bytes of the answer: to the first token, of a stream"),
    duration_ms: Milliseconds("From admission to the end; null when it was not admitted"),
    bytes_in: Type.Integer({ description: "Of the body, to the upstream" }),
    bytes_out: Type.Integer({ description: "Of the body, to the client" }),
    tokens_in: Count("Of the prompt; null when the answer does not tell"),
    tokens_out: Count("Of the answer; null when it does not tell"),
    count: Type.Integer({ description: "How many the same caller was refused so within a second" }),
  },
  { title: "RequestEntry" },
);
export type RequestEntry = Static<typeof RequestEntrySchema>;

/** What is noted; the log adds id, time and count. */
export type RequestNote = Omit<RequestEntry, "id" | "at" | "count">;

export const ActivityPageSchema = Type.Object(
  {
    entries: Type.Array(RequestEntrySchema),
    next: Type.Union([Type.Integer(), Type.Null()], { description: "`before` of the next page; null on the last one" }),
    skipped: Type.Integer({
      description: "Requests since the start that are only counted, because too many came at once",
    }),
  },
  { title: "ActivityPage" },
);
export type ActivityPage = Static<typeof ActivityPageSchema>;

export interface ActivityFilter {
  /** ISO 8601: from this time on. */
  readonly from?: string | undefined;
  /** ISO 8601: before this time. */
  readonly to?: string | undefined;
  readonly route?: string | undefined;
  readonly upstream?: string | undefined;
  readonly model?: string | undefined;
  readonly caller?: string | undefined;
  readonly outcome?: RequestOutcome | undefined;
  /** Found in route, model, caller or code. */
  readonly text?: string | undefined;
}
