/** Response schemas that routes share. */
import { type TObject, Type } from "@sinclair/typebox";

/** RFC 9457 problem+json; a kind of error may add members of its own, such as `job_id` or `lock`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: "`urn:spark-control:problem:<code>`" }),
    title: Type.String({ description: "The status in words" }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: "What went wrong, in one sentence" }),
    code: Type.String({ description: "Stable, in snake_case; branch on this" }),
    request_id: Type.String({ description: "The same as the header X-Request-Id" }),
    errors: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), in: Type.String(), message: Type.String() }), {
        description: "With 422: what does not have the expected shape",
      }),
    ),
  },
  { title: "Problem", additionalProperties: true },
);

/** OpenAI's error envelope, as everything below `/v1/` answers. */
export const OpenAiError = Type.Object(
  {
    error: Type.Object(
      {
        message: Type.String(),
        type: Type.String(),
        param: Type.Union([Type.String(), Type.Null()]),
        code: Type.Union([Type.String(), Type.Null()], { description: "Stable, in snake_case; branch on this" }),
        failed_by: Type.Optional(
          Type.Unsafe<"controller" | "upstream">(
            Type.Union([Type.Literal("controller"), Type.Literal("upstream")], {
              description: "Who failed; absent in errors that a model's own server tells",
            }),
          ),
        ),
        request_id: Type.Optional(Type.String()),
      },
      { additionalProperties: true },
    ),
  },
  { title: "OpenAiError" },
);

export type ErrorStatus = 400 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 423 | 429 | 500 | 502 | 503 | 504;

/**
 * Schemas for the `response` of a route: `response: { 200: Job, ...errors(404, 409) }`. What the perimeter answers to
 * any request (400, 403, 421, 500 …) is added to the OpenAPI document by itself.
 */
export function errors<const Status extends ErrorStatus>(...statuses: Status[]): Record<Status, typeof Problem> {
  return Object.fromEntries(statuses.map((status) => [status, Problem])) as Record<Status, typeof Problem>;
}

/** The same below `/v1/`. */
export function openAiErrors<const Status extends ErrorStatus>(
  ...statuses: Status[]
): Record<Status, typeof OpenAiError> {
  return Object.fromEntries(statuses.map((status) => [status, OpenAiError])) as Record<Status, typeof OpenAiError>;
}

/** The same, for an error with further members: `{ 409: problemWith({ job_id: Type.String() }) }`. */
export function problemWith<Members extends TObject["properties"]>(members: Members, title?: string) {
  return Type.Object(
    { ...Problem.properties, ...members },
    { additionalProperties: true, ...(title === undefined ? {} : { title }) },
  );
}

/** The 200 of a stream; OpenAPI shows it as `text/event-stream`. */
export const EventStream = Type.Unsafe<Response>(
  Type.Any({ contentMediaType: "text/event-stream", description: "Server-sent events" }),
);

/** An answer that is a file of its own: a page, a script. */
export const FileOf = (contentMediaType: string) =>
  Type.Unsafe<Response>(Type.Any({ contentMediaType, description: "The file" }));
