const encoder = new TextEncoder();

/** Bytes that are only ever appended, read by offset: a job's log, a container's log. */
export class ByteLog {
  readonly #chunks: Uint8Array[] = [];
  readonly #followers = new Set<(bytes: Uint8Array) => void>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    for (const follower of this.#followers) follower(bytes);
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
