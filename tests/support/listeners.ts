/** How many listeners a signal has: what is left behind on one that outlives the work. */

/** @returns how many there are that were added from now on */
export function countListeners(signal: AbortSignal): () => number {
  const present = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((type: "abort", listener: EventListener, options?: AddEventListenerOptions) => {
    present.add(listener);
    add(type, listener, options);
  }) as typeof signal.addEventListener;
  signal.removeEventListener = ((type: "abort", listener: EventListener) => {
    present.delete(listener);
    remove(type, listener);
  }) as typeof signal.removeEventListener;
  return () => present.size;
}
