/** What one swap reads of the remote logs: the last lines of the present attempt, and which of them the store has already. */
const TAIL_LINES = 2_000;

export class RunLog {
  #tail: string[] = [];
  #known = new Map<string, number>();

  constructor(
    private readonly means: {
      writeLog(source: string, line: string): void;
      /** Lines in the store by source. */
      loggedLines(): ReadonlyMap<string, number>;
    },
  ) {}

  /** @returns false: the store had it already */
  take(source: string, line: string): boolean {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES * 2) this.#tail = this.#tail.slice(-TAIL_LINES);
    const known = this.#known.get(source) ?? 0;
    if (known > 0) this.#known.set(source, known - 1);
    else this.means.writeLog(source, line);
    return known === 0;
  }

  tail(): readonly string[] {
    return this.#tail;
  }

  /** The remote logs are now read from their beginning. */
  begin(): void {
    this.#tail = [];
    this.#known = new Map(this.means.loggedLines());
  }
}
