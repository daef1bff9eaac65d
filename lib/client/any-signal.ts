/** Several signals as one, for a time. */

export interface AnySignal {
  /** Aborts with the first of them, and with its reason. */
  readonly signal: AbortSignal;
  /** From now on none of them is listened to. Safe to call twice. */
  leave(): void;
}

/**
 * What `AbortSignal.any` does, which Node has from 20.3 on and browsers not for long. A signal that lives longer than the work
 * keeps what listens to it: whoever calls this has to leave.
 */
export function anySignal(signals: readonly (AbortSignal | undefined)[]): AnySignal {
  const joined = new AbortController();
  const leaving: (() => void)[] = [];
  const leave = () => {
    for (const stopListening of leaving.splice(0)) stopListening();
  };
  for (const signal of signals) {
    if (signal === undefined) continue;
    const abort = () => {
      leave();
      joined.abort(signal.reason);
    };
    if (signal.aborted) {
      abort();
      break;
    }
    signal.addEventListener("abort", abort);
    leaving.push(() => signal.removeEventListener("abort", abort));
  }
  return { signal: joined.signal, leave };
}
