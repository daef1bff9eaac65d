import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { Fault } from "../../../lib/fault.ts";
import { inItsTime } from "../../../lib/http/idle-time.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { LockSchema, MAX_WAIT_SECONDS } from "../../../lib/lock/lock.ts";
import type { Granted as GrantedLock } from "../../../lib/lock/lock-request.ts";
import { withoutTokens } from "../../../lib/token-text.ts";
import { callerOf } from "./_caller.ts";
import { AcquireBody, ReleaseBody } from "./_lock-shapes.ts";
import { NotGranted, Reserved, TokenHeader, TokenQuery, tokenOf } from "./_shapes.ts";

const tags = ["Reservation"];
const Free = Type.Object({ held: Type.Literal(false) }, { title: "LockFree" });
const Held = Type.Object(
  {
    held: Type.Literal(true),
    ...LockSchema.properties,
    waiting: Type.Integer({ description: "Clients that wait in line" }),
  },
  { title: "LockHeld" },
);
const Granted = Type.Object(
  {
    held: Type.Literal(true),
    ...LockSchema.properties,
    token: Type.String({ description: "The secret of this reservation. It is told here and nowhere else" }),
  },
  { title: "LockGranted" },
);

/** A close that came with what led to the grant is heard within this. */
const HEARD_MS = 5;

/**
 * Whoever leaves gets nothing: not while waiting, and not in the moment of a new grant, whose token nobody would know. What
 * was renewed or repeated had been acknowledged before, and with a request id the client can ask again: that it keeps.
 * @throws Fault 408 `client_left`, for the record
 */
async function inLine(
  lock: Pick<ControlPlane["lock"], "acquireOrWait" | "release">,
  asked: Parameters<ControlPlane["lock"]["acquireOrWait"]>[0],
  waitMs: number,
  signal: AbortSignal,
): Promise<GrantedLock> {
  try {
    const granted = await lock.acquireOrWait(asked, waitMs, signal);
    if (granted.how !== "acquired" || asked.requestId) return granted;
    await Bun.sleep(HEARD_MS);
    if (signal.aborted) lock.release(granted.token);
    signal.throwIfAborted();
    return granted;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Fault("slow", "client_left", "The client went away while it waited.");
  }
}

export default ({ lock }: Pick<ControlPlane, "lock">) =>
  new Elysia()
    .get(
      "",
      () => {
        const held = lock.current();
        return held ? { held: true as const, ...held, waiting: lock.waiting } : { held: false as const };
      },
      {
        response: { 200: Type.Union([Held, Free]) },
        detail: { operationId: "getLock", summary: "The reservation that is held, never its token", tags },
      },
    )
    .post(
      "",
      async ({ body, query, headers, request, server }) => {
        const asked = {
          holder: withoutTokens(body.holder.trim()),
          ttlSeconds: body.ttl_seconds,
          // Null counts as left out, so that a renewal keeps what there is.
          note: typeof body.note === "string" ? withoutTokens(body.note) : undefined,
          token: tokenOf(body.token, body.lock_token, headers["x-swap-lock-token"], query.token),
          requestId: body.request_id,
          slots: body.slots ?? undefined,
          allowRunningSwap: body.allow_running_swap,
          by: callerOf(request),
          from: server?.requestIP(request)?.address,
        };
        const waitSeconds = Math.min(query.wait ?? 0, MAX_WAIT_SECONDS);
        const wait = () => inLine(lock, asked, waitSeconds * 1000, request.signal);
        const granted = waitSeconds > 0 ? await inItsTime(server, request, wait) : lock.acquire(asked);
        return { held: true as const, ...granted.lock, token: granted.token };
      },
      {
        body: AcquireBody,
        query: t.Object({
          ...TokenQuery,
          wait: t.Optional(
            t.Numeric({ minimum: 0, description: `Seconds to wait in line, at most ${MAX_WAIT_SECONDS}; default 0` }),
          ),
        }),
        headers: TokenHeader,
        response: { 200: Granted, 409: NotGranted, ...errors(404, 422, 503) },
        detail: {
          operationId: "acquireLock",
          summary: "Reserve the GPUs, or renew a reservation",
          description:
            "Without the token no swap is started while the reservation lasts. The same holder with the token renews it; the same holder with the same `request_id` gets a new token after a lost answer. See docs/COORDINATION.md.",
          tags,
        },
      },
    )
    .delete(
      "",
      ({ body, query, headers, request, server }) => {
        const { force, generation, reason } = { ...query, ...body };
        const from = server?.requestIP(request)?.address;
        if (force) lock.force({ generation, reason: reason && withoutTokens(reason), by: callerOf(request), from });
        else lock.release(tokenOf(body?.token, body?.lock_token, headers["x-swap-lock-token"], query.token));
        return { held: false as const };
      },
      {
        body: ReleaseBody,
        query: t.Object({
          ...TokenQuery,
          force: t.Optional(t.Boolean({ description: "A person takes the reservation from its holder" })),
          generation: t.Optional(
            t.Numeric({ description: "With force: the reservation that is meant; 409 if it is another" }),
          ),
          reason: t.Optional(t.String({ maxLength: 500, description: "With force: why, for the record" })),
        }),
        headers: TokenHeader,
        response: { 200: Free, 403: Reserved, 409: NotGranted, ...errors(422, 503) },
        detail: {
          operationId: "releaseLock",
          summary: "Release a reservation",
          description: "With the token, or with `force` as a person. With nothing held it answers the same.",
          tags,
        },
      },
    );
