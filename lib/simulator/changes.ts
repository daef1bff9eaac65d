/** Tells watchers that something in the model has changed. */
export class Changes {
  readonly #watchers = new Set<() => void>();

  notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * Resolves when `predicate` holds: checked now and at every change.
   * @param deadlineMs real milliseconds after which it rejects
   */
  until(predicate: () => boolean, deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        settle();
      };
      const check = () => {
        try {
          if (predicate()) finish(resolve);
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`the simulated cluster did not get there in ${deadlineMs} ms`))),
        deadlineMs,
      );
      this.#watchers.add(check);
      check();
    });
  }

  /** Resolves when `predicate` holds. @throws the signal's reason when it aborts first */
  when(predicate: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        signal.removeEventListener("abort", give);
        this.#watchers.delete(check);
        settle();
      };
      const give = () => finish(() => reject(signal.reason));
      const check = () => {
        if (predicate()) finish(resolve);
      };
      if (signal.aborted) return give();
      signal.addEventListener("abort", give);
      this.#watchers.add(check);
      check();
    });
  }
}
