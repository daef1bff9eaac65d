/** How a reservation may fail. */

/** It was forced, has expired, or could not be renewed in time. */
export class ReservationLost extends Error {
  override readonly name = "ReservationLost";

  // As a constructor of its own: the inherited one speaks of ErrorOptions, which only a lib from ES2022 on knows.
  constructor(message: string) {
    super(message);
  }
}

/** It was not granted. `code` is the problem document's: `reserved`, `swap_running`, …; `no_answer` when there was none. */
export class ReservationRefused extends Error {
  override readonly name = "ReservationRefused";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Who holds it, and until when; null when nobody does, or it is not known. */
    readonly lock: { readonly holder: string; readonly expires_at: string } | null,
  ) {
    super(message);
  }
}
