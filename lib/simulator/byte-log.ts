const encoder = new TextEncoder();
const NEWLINE = 10;

/** Bytes that are only ever appended, read by offset: a job's log, a container's log. */
export class ByteLog {
  readonly #chunks: Uint8Array[] = [];
  readonly #followers = new Set<(bytes: Uint8Array) => void>();
  #size = 0;
  /** When each line was begun, in milliseconds since 1970. */
  readonly #lineTimes: number[] = [];
  #isLineOpen = false;

  get size(): number {
    return this.#size;
  }

  append(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#noteTimes(bytes);
    for (const follower of this.#followers) follower(bytes);
  }

  /** When the line of this number (from 0) was begun, in milliseconds since 1970. */
  lineTime(index: number): number {
    return this.#lineTimes[index] ?? 0;
  }

  #noteTimes(bytes: Uint8Array): void {
    const now = Date.now();
    for (const byte of bytes) {
      if (!this.#isLineOpen) this.#lineTimes.push(now);
      this.#isLineOpen = byte !== NEWLINE;
    }
  }

  /** Everything so far and everything to come. @returns stops it */
  follow(follower: (bytes: Uint8Array) => void): () => void {
    if (this.#size > 0) follower(this.slice(0, this.#size));
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** At most `maxBytes` from `offset` on. */
  slice(offset: number, maxBytes: number): Uint8Array {
    const from = Math.min(Math.max(0, offset), this.#size);
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    if (this.#chunks.length > 1) this.#chunks.splice(0, this.#chunks.length, whole);
    return whole === undefined ? new Uint8Array() : whole.subarray(from, from + maxBytes);
  }

  text(): string {
    return new TextDecoder().decode(this.slice(0, this.#size));
  }
}
