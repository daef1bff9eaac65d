import type { Changes } from "./changes.ts";
import { Ended } from "./speed.ts";

/** up; silent: packets vanish; down: connections are reset and refused. */
export type Reachability = "up" | "silent" | "down";

/** Whether a host can be reached, and who waits for it or must act when that changes. */
export class Network {
  #state: Reachability = "up";
  readonly #watchers = new Set<(state: Reachability) => void>();

  constructor(private readonly changes: Changes) {}

  get state(): Reachability {
    return this.#state;
  }

  set(state: Reachability): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of [...this.#watchers]) watcher(state);
    this.changes.notify();
  }

  watch(watcher: (state: Reachability) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Resolves when packets go through. @throws Ended when `signal` aborts first */
  whenUp(signal?: AbortSignal): Promise<void> {
    if (this.#state === "up") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        unwatch();
        signal?.removeEventListener("abort", give);
        settle();
      };
      const give = () => finish(() => reject(new Ended("gave up waiting for the network")));
      const unwatch = this.watch((state) => {
        if (state === "up") finish(resolve);
      });
      if (signal?.aborted) give();
      signal?.addEventListener("abort", give);
    });
  }
}
