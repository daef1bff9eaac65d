/** The processors' counters of one simulated host. */
export class CpuCounters {
  #at = 0;
  #busy = 0;
  #idle = 0;

  /**
   * Counts on from the last reading, all of it with this share. @param upSeconds since boot @param perSecond jiffies of all
   * processors
   */
  read(upSeconds: number, share: number, perSecond: number): { readonly busy: number; readonly idle: number } {
    if (upSeconds < this.#at) {
      this.#at = 0;
      this.#busy = 0;
      this.#idle = 0;
    }
    const passed = (upSeconds - this.#at) * perSecond;
    this.#at = upSeconds;
    this.#busy += passed * share;
    this.#idle += passed * (1 - share);
    return { busy: this.#busy, idle: this.#idle };
  }
}
