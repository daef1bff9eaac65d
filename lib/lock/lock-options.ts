/** What the reservation lock needs of the rest. */
import type { Place } from "./grant.ts";
import type { LedgerOptions } from "./ledger.ts";

export interface LockOptions extends LedgerOptions {
  /** Fills the bytes that it is given. */
  random(bytes: Uint8Array): Uint8Array;
  slots(): readonly { readonly name: string; readonly nodes: readonly string[] }[];
  /** Swaps that own their slot now, oldest first. */
  runningSwaps(): readonly { readonly jobId: string; readonly place: Place }[];
  /** Cancels swaps that were claimed under this reservation and have stopped nothing yet. */
  abortBeforeStopping(generation: number): void;
  /** How many wait in line is another number now. */
  lineChanged(): void;
  report(error: unknown): void;
  /** How long after a forced release others have to wait. */
  readonly respiteMs?: number | undefined;
}
