/** Shapes that the swap routes share. */
import { Type } from "@sinclair/typebox";
import { problemWith } from "../../../lib/http/schemas.ts";

const Key = (description: string) =>
  Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$", description });

export const SwapChoice = Type.Object(
  {
    model: Key("Key of the catalog"),
    slot: Type.Optional(Key("Name of the slot; the first one when left out")),
    rollback: Type.Optional(
      Type.Boolean({ description: "Load the previous model again when this one fails; default true" }),
    ),
  },
  { title: "SwapChoice", additionalProperties: false },
);

export const SwapOrderBody = Type.Object(
  {
    ...SwapChoice.properties,
    dry_run: Type.Optional(Type.Boolean({ description: "Answer with the plan, touch nothing" })),
    lock_token: Type.Optional(Type.String({ maxLength: 200, description: "Token of the reservation, if one is held" })),
    token: Type.Optional(Type.String({ maxLength: 200, description: "The same" })),
  },
  { title: "SwapOrder", additionalProperties: false },
);

export const SwapRunning = problemWith({ job_id: Type.Optional(Type.String()) }, "SwapRunningProblem");
