/** What is asked of the lock, and what is answered. */
import { DEFAULT_TTL_SECONDS, type Lock, MAX_TTL_SECONDS, MIN_TTL_SECONDS } from "./lock.ts";
import type { Acquired, Ask } from "./machine.ts";
import { unknownSlot } from "./refusals.ts";
import type { Asker } from "./respite.ts";
import { digestOf } from "./token.ts";

export interface AcquireRequest extends Asker {
  readonly holder: string;
  /** Default 900; clamped to 1..86400. */
  readonly ttlSeconds?: number | null | undefined;
  readonly note?: string | null | undefined;
  /** Of the reservation to renew. */
  readonly token?: string | null | undefined;
  /** A secret of at least 128 bits, so that the same request may be sent again after its answer was lost. */
  readonly requestId?: string | null | undefined;
  /** Null: the whole cluster. */
  readonly slots?: readonly string[] | null | undefined;
  readonly allowRunningSwap?: boolean | undefined;
}

export interface Granted {
  readonly lock: Lock;
  readonly token: string;
  readonly how: Acquired["how"];
}

export interface ForceRequest extends Asker {
  /** The reservation that is meant; whichever there is, when left out. */
  readonly generation?: number | undefined;
  readonly reason?: string | null | undefined;
}

/** Sparks of the named slots. @throws Fault 404 */
export function nodesOf(
  slots: readonly string[],
  known: readonly { readonly name: string; readonly nodes: readonly string[] }[],
): readonly string[] {
  return slots.flatMap((name) => {
    const slot = known.find((each) => each.name === name);
    if (!slot) throw unknownSlot(name);
    return slot.nodes;
  });
}

/** The request as the machine takes it: clamped, and with digests in place of secrets. */
export function askOf(request: AcquireRequest): Ask {
  const ttl = Math.floor(request.ttlSeconds ?? DEFAULT_TTL_SECONDS);
  return {
    holder: request.holder,
    note: request.note,
    slots: request.slots,
    ttlSeconds: Math.min(Math.max(ttl, MIN_TTL_SECONDS), MAX_TTL_SECONDS),
    tokenDigest: request.token ? digestOf(request.token) : null,
    requestDigest: request.requestId ? digestOf(request.requestId) : null,
    allowRunningSwap: request.allowRunningSwap ?? false,
  };
}
