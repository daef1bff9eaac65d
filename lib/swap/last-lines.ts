/**
 * The last lines of several logs that are read beside each other. Of each log its own ones are kept: what the head of a model has said
 * last is not pushed out by thousands of lines that a worker writes after it.
 */
const KEPT_LINES = 2_000;

export class LastLines {
  #taken = 0;
  readonly #logs = new Map<string, { readonly at: number; readonly text: string }[]>();

  add({ source, text }: { readonly source: string; readonly text: string }): void {
    const lines = this.#logs.get(source) ?? [];
    lines.push({ at: this.#taken++, text });
    this.#logs.set(source, lines.length > KEPT_LINES * 2 ? lines.slice(-KEPT_LINES) : lines);
  }

  /** In the order in which they were read. */
  all(): string[] {
    return [...this.#logs.values()]
      .flat()
      .sort((one, other) => one.at - other.at)
      .map(({ text }) => text);
  }
}
