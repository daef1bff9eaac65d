/** Requests about a reservation, whose answer may fail to come in every way there is. */
import { anySignal } from "./any-signal.ts";
import { pause } from "./pause.ts";
import { raced } from "./raced.ts";

export const BETWEEN_TRIES_MS = 1_000;

type Ask<Answer> = (fetch: { readonly signal: AbortSignal }) => Promise<Answer>;

export interface AnyAnswer {
  readonly data: unknown;
  readonly error: { readonly value: unknown } | null;
  readonly response: Response | undefined;
}

/**
 * The answer, if it is one. Never throws.
 * @param signals does not wait longer than any of these, even if `fetch` does not listen to them
 * @returns null when what was asked for may have been done all the same: no answer, one that breaks off, or one that something
 *          on the way has given; also 500
 */
export async function answered<Answer extends AnyAnswer>(
  ask: Ask<Answer>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<Answer | null> {
  const { signal, leave } = anySignal(signals);
  try {
    const answer = await raced(ask({ signal }), signal);
    return isDefinite(answer) ? answer : null;
  } catch {
    return null;
  } finally {
    leave();
  }
}

/** Asks until there is an answer other than "not now", or the signal says that it is enough. Never throws. */
export async function untilAnswered<Answer extends AnyAnswer>(
  ask: Ask<Answer>,
  signal: AbortSignal,
): Promise<Answer | null> {
  while (!signal.aborted) {
    const answer = await answered(ask, signal);
    if (answer !== null && answer.response?.status !== 503) return answer;
    await pause(BETWEEN_TRIES_MS, signal).catch(() => undefined);
  }
  return null;
}

/** A refusal of anybody's on the way (4xx) is definite as well: it was not passed on. */
function isDefinite({ data, error, response }: AnyAnswer): boolean {
  if (!response) return false;
  if (response.ok) return has(data, "held");
  return (response.status >= 400 && response.status < 500) || (response.status === 503 && has(error?.value, "code"));
}

function has(value: unknown, field: string): boolean {
  return typeof value === "object" && value !== null && field in value;
}
