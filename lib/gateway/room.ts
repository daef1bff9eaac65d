/** Room in memory for what is kept of bodies, one bound for all of them. */
import { Fault } from "../fault.ts";

const MOST_BYTES = 256 * 1024 * 1024;
const RETRY_SECONDS = 30;

export class Room {
  #bytes = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.mostBytes;
  }

  get isHalfFull(): boolean {
    return this.#bytes >= this.mostBytes / 2;
  }

  share(): Share {
    return new Share(this);
  }

  /** Takes so many bytes, gives them back where negative. @returns false: there are not so many */
  move(bytes: number): boolean {
    if (bytes > 0 && this.#bytes + bytes > this.mostBytes) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** What one request has of it. */
export class Share {
  #bytes = 0;

  constructor(private readonly room: Room) {}

  get bytes(): number {
    return this.#bytes;
  }

  get isRoomFull(): boolean {
    return this.room.isFull;
  }

  get isRoomHalfFull(): boolean {
    return this.room.isHalfFull;
  }

  /** @returns false: there is no room for so much */
  fits(bytes: number): boolean {
    if (!this.room.move(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** @throws Fault `unavailable`: there is no room for so much */
  take(bytes: number): void {
    if (this.fits(bytes)) return;
    throw new Fault("unavailable", "queue_full", "Too many large bodies wait here. Try again in a moment.", {
      retry_after_seconds: RETRY_SECONDS,
    });
  }

  /** Gives back what is more than that. */
  shrink(bytes: number): void {
    const given = Math.max(0, this.#bytes - bytes);
    this.room.move(-given);
    this.#bytes -= given;
  }

  /** Gives all of it back. */
  free(): void {
    this.shrink(0);
  }
}
