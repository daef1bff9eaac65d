/**
 * How long a connection may be silent. Bun keeps what is set for a request with its connection: one that stays open after that would
 * never be closed again. So whoever switches the limit off switches it on at the end, and all of them do it here.
 */
import { SERVE_OPTIONS } from "./serve-options.ts";

/** The part of Bun's server that knows; null in tests without one. */
export type Timed = { timeout(request: Request, seconds: number): void } | null;

/** Of servers that listen with another limit than the usual one. */
const limits = new WeakMap<object, number>();

export function setIdleLimit(server: object, seconds: number): void {
  limits.set(server, seconds);
}

/** Whether the connection of a request may be silent for as long as it likes. */
export function maySilence(server: Timed, request: Request, may: boolean): void {
  server?.timeout(request, may ? 0 : (limits.get(server) ?? SERVE_OPTIONS.idleTimeout));
}

/** Work that takes its time, for a client that waits for it in silence. */
export async function inItsTime<Result>(
  server: Timed,
  request: Request,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  maySilence(server, request, true);
  try {
    return await work();
  } finally {
    maySilence(server, request, false);
  }
}
