/** Shapes that the swap routes share. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { problemWith } from "../../../lib/http/schemas.ts";
import { LockSchema } from "../../../lib/lock/lock.ts";
import { OneOf } from "../../../lib/schema.ts";
import { ON_DRAIN_TIMEOUT } from "../../../lib/swap/drain-desk.ts";

export const MAX_TOKEN = 200;

const Key = (description: string) =>
  Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$", description });

export const Token = (description: string) =>
  Type.Optional(Type.Union([Type.String({ maxLength: MAX_TOKEN }), Type.Null()], { description }));

export const SwapChoice = Type.Object(
  {
    model: Key("Key of the catalog"),
    slot: Type.Optional(Key("Name of the slot; the first one when left out")),
    rollback: Type.Optional(
      Type.Boolean({ description: "Load the previous model again when this one fails; default true" }),
    ),
    drain_on_timeout: Type.Optional(
      OneOf(ON_DRAIN_TIMEOUT, {
        description:
          "What to do with requests that still run after the configured time. ask: `drain.asks` of the swap, answered by POST /api/swap/{id}/drain. fail: nothing is stopped. Default: as configured",
      }),
    ),
  },
  { title: "SwapChoice" },
);

export const SwapOrderBody = Type.Object(
  {
    ...SwapChoice.properties,
    dry_run: Type.Optional(Type.Boolean({ description: "Answer with the plan, touch nothing" })),
    lock_token: Token("Token of the reservation, if one is held"),
    token: Token("The same"),
  },
  { title: "SwapOrder" },
);

export const SwapRunning = problemWith({ job_id: Type.Optional(Type.String()) }, "SwapRunningProblem");

const HeldLock = Type.Optional(Type.Union([LockSchema, Type.Null()]));
/** 423, and what the lock itself refuses: who has reserved, until when. */
export const Reserved = problemWith({ lock: HeldLock }, "ReservedProblem");
/** 409 of an acquire: reserved by another, or a swap runs. */
export const NotGranted = problemWith({ lock: HeldLock, job_id: Type.Optional(Type.String()) }, "NotGrantedProblem");

/** Where the token of a reservation may travel beside the body. */
export const TokenQuery = {
  token: t.Optional(t.String({ maxLength: MAX_TOKEN, description: "The same as the header" })),
};
export const TokenHeader = t.Object({
  "x-swap-lock-token": t.Optional(t.String({ maxLength: MAX_TOKEN, description: "Token of the reservation" })),
});

/** The body counts before the header, the header before the query. A blank one counts as none. */
export function tokenOf(...given: readonly (string | null | undefined)[]): string | null {
  return given.find((token) => token !== undefined && token !== null && token !== "") ?? null;
}
