/**
 * Where each line of a log stands when it takes a whole number of rows: with a monospaced font, and breaks allowed
 * after every character, that follows from its length. What the browser then really makes of a line may correct it.
 */
export class RowTable {
  /** `#ends[i]`: rows up to and including line i, counted from some origin. */
  #ends: number[] = [];
  #origin = 0;

  get length(): number {
    return this.#ends.length;
  }

  /** Rows of all lines together. */
  get total(): number {
    return (this.#ends.at(-1) ?? this.#origin) - this.#origin;
  }

  /** Rows above a line; of a line behind the last one: all. */
  above(index: number): number {
    return index === 0 ? 0 : (this.#ends[Math.min(index, this.length) - 1] ?? this.#origin) - this.#origin;
  }

  rows(index: number): number {
    return this.above(index + 1) - this.above(index);
  }

  /** The line that covers a row; the last one for a row below all, 0 without any. */
  at(row: number): number {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.above(middle + 1) > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  append(rows: readonly number[]): void {
    let end = this.#ends.at(-1) ?? this.#origin;
    for (const each of rows) {
      end += each;
      this.#ends.push(end);
    }
  }

  /** Forgets the first lines. @returns how many rows they had */
  dropFirst(count: number): number {
    const rows = this.above(count);
    this.#ends.splice(0, count);
    this.#origin = this.length === 0 ? 0 : this.#origin + rows;
    return rows;
  }

  /** Begins again with these. */
  replace(rows: readonly number[]): void {
    this.#ends = [];
    this.#origin = 0;
    this.append(rows);
  }

  /** What the browser made of a line. @returns by how many rows it was off */
  correct(index: number, rows: number): number {
    const difference = rows - this.rows(index);
    if (difference !== 0) for (let at = index; at < this.length; at++) this.#ends[at]! += difference;
    return difference;
  }
}

/** @param columns characters that fit into a row, at least 1 */
export function rowsOf(text: string, columns: number): number {
  return Math.max(1, Math.ceil(text.length / columns));
}
