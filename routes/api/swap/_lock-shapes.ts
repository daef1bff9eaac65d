/** Bodies of the reservation's routes. A field that is null counts as left out. */
import { Type } from "@sinclair/typebox";
import { Token } from "./_shapes.ts";

/** One line of text for people: no control characters. */
const Line = (maxLength: number, minLength: number) =>
  Type.String({ minLength, maxLength, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T, description: string) =>
  Type.Optional(Type.Union([schema, Type.Null()], { description }));

export const AcquireBody = Type.Object(
  {
    holder: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: "^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$",
      description: "Who reserves, for people to read: `nightly transcription`",
    }),
    ttl_seconds: Nullable(Type.Number(), "Seconds that it lasts; default 900, clamped to 1..86400"),
    note: Nullable(Line(500, 0), "What for, for people to read"),
    token: Token("Of the reservation to renew"),
    lock_token: Token("The same"),
    request_id: Nullable(
      Type.String({ minLength: 22, maxLength: 200 }),
      "A secret of at least 128 bits, such as a random UUID, so that the same request may be sent again after its answer was lost",
    ),
    slots: Nullable(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 32 }),
      "Slots to reserve; the whole cluster when left out",
    ),
    allow_running_swap: Type.Optional(
      Type.Boolean({ description: "Reserve although a swap runs; it goes on to its end. Default false: 409" }),
    ),
  },
  { title: "LockRequest" },
);

export const ReleaseBody = Type.Optional(
  Type.Object(
    {
      token: Token("Of the reservation"),
      lock_token: Token("The same"),
      force: Type.Optional(Type.Boolean()),
      generation: Type.Optional(Type.Integer()),
      reason: Type.Optional(Line(500, 0)),
    },
    { title: "LockRelease" },
  ),
);
