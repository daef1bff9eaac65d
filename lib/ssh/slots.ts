/** A fair counting semaphore: first come, first served; who gives up waiting leaves the queue. */
import type { CallLimit } from "./call-limit.ts";

export class Slots {
  #used = 0;
  #capacity: number;
  readonly #queue = new Set<() => void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  set capacity(capacity: number) {
    this.#capacity = capacity;
    this.#admit();
  }

  /** Resolves with the function that gives the slot back (once). @throws SshError when the limit is reached first */
  async take(limit: CallLimit): Promise<() => void> {
    limit.check();
    return await new Promise((resolve, reject) => {
      const enter = () => {
        leave();
        this.#used += 1;
        let held = true;
        resolve(() => {
          if (!held) return;
          held = false;
          this.#used -= 1;
          this.#admit();
        });
      };
      const leave = limit.onReached((error) => {
        this.#queue.delete(enter);
        reject(error);
      });
      this.#queue.add(enter);
      this.#admit();
    });
  }

  #admit(): void {
    for (const enter of this.#queue) {
      if (this.#used >= this.#capacity) return;
      this.#queue.delete(enter);
      enter();
    }
  }
}
