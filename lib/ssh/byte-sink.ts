/** Keeps the first `maxBytes` of a stream ; the rest is dropped, and that it was is remembered. */
export class ByteSink {
  readonly #parts: Uint8Array[] = [];
  #kept = 0;
  #truncated = false;

  constructor(readonly maxBytes: number) {}

  get truncated(): boolean {
    return this.#truncated;
  }

  add(data: Uint8Array): void {
    const room = this.maxBytes - this.#kept;
    if (data.length > room) this.#truncated = true;
    if (room <= 0) return;
    const part = data.length > room ? data.subarray(0, room) : data;
    this.#parts.push(part);
    this.#kept += part.length;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  /** UTF-8; invalid bytes become U+FFFD. */
  text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes());
  }
}
