/** Every "no" of the lock, in words that say what to do. */
import { Fault } from "../fault.ts";
import type { Reading } from "./clock.ts";
import { show } from "./ledger.ts";
import type { Lock } from "./lock.ts";
import type { Refusal } from "./machine.ts";

function heldByAnother(lock: Lock): Fault {
  const until = `until ${lock.expires_at}`;
  return new Fault(
    "conflict",
    "reserved",
    `${lock.holder} has reserved the GPUs ${until}. Wait, or ask ${lock.holder}.`,
    {
      lock,
    },
  );
}

function swapRunning(jobId: string): Fault {
  const say = "A swap is running. Wait until it has ended, or reserve with allow_running_swap to let it finish.";
  return new Fault("conflict", "swap_running", say, { job_id: jobId, lock: null });
}

function stopRunning(what: string): Fault {
  const say = `There is ${what} under way. Wait until it has ended, with ?wait=SECONDS or by asking again.`;
  return new Fault("conflict", "stop_running", say, { lock: null, retry_after_seconds: 5 });
}

function lost(): Fault {
  const say = "This token's reservation has ended. Stop what relied on it, then reserve anew, without a token.";
  return new Fault("conflict", "reservation_lost", say, { lock: null });
}

function spent(): Fault {
  const say =
    "The reservation that was asked for with this request_id has ended. Choose a new request_id to reserve anew.";
  return new Fault("conflict", "request_spent", say, { lock: null });
}

function othersFirst(): Fault {
  const say = "Others have been waiting longer for a reservation. Wait in line with ?wait=SECONDS.";
  return new Fault("conflict", "others_first", say, { lock: null });
}

function justForced(leftMs: number): Fault {
  const seconds = Math.ceil(leftMs / 1000);
  const say = `A person has just ended a reservation, and comes first for ${seconds} s. Wait in line with ?wait=SECONDS, or ask again then.`;
  return new Fault("conflict", "others_first", say, { lock: null, retry_after_seconds: seconds });
}

/** 409: a swap, stop or restart that would begin before their turn. */
export function awaited(holder: string): Fault {
  const say = `${holder} waits in line for these GPUs and gets them as soon as what runs there has ended. Nothing was changed. Wait in line too, with POST /api/swap/lock?wait=SECONDS, or ask again later.`;
  return new Fault("conflict", "others_first", say, { retry_after_seconds: 5 });
}

function slotsFixed(): Fault {
  const say = "A renewal cannot change which slots are reserved. Release the reservation and reserve anew.";
  return new Fault("conflict", "slots_fixed", say, { lock: null });
}

function clockUnset(): Fault {
  const say =
    "The clock of Spark Control's machine is not set, so a reservation would have no end that means anything. Set the clock (NTP).";
  return new Fault("unavailable", "clock_unset", say);
}

export function unknownSlot(name: string): Fault {
  return new Fault("not_found", "unknown_slot", `There is no slot ${JSON.stringify(name)}.`);
}

export function lineFull(waiting: number): Fault {
  const say = `${waiting} clients are waiting already. Ask again later.`;
  return new Fault("unavailable", "line_full", say, { retry_after_seconds: 30 });
}

export function superseded(): Fault {
  return new Fault("conflict", "superseded", "The same request_id was sent again; that request waits now.", {
    lock: null,
  });
}

export function wrongToken(lock: Lock): Fault {
  const say = "This is not the token of the reservation that is held. A person can force its release with ?force=true.";
  return new Fault("forbidden", "wrong_token", say, { lock });
}

export function otherReservation(lock: Lock): Fault {
  const say = `Another reservation is held by now, by ${lock.holder}. Look again before you force its release.`;
  return new Fault("conflict", "other_reservation", say, { lock });
}

/** 423: a swap, stop or restart without the token. */
export function reserved(lock: Lock | null): Fault {
  if (lock === null) {
    const say = "This token's reservation has ended, so nothing was done. Reserve anew, or ask without a token.";
    return new Fault("locked", "reservation_lost", say, { lock: null });
  }
  const say = `${lock.holder} has reserved the GPUs until ${lock.expires_at}. Nothing was changed. A person can force the release.`;
  return new Fault("locked", "reserved", say, { lock });
}

export const shuttingDown = () => new Fault("unavailable", "shutting_down", "Spark Control is shutting down.");

/**
 * @param respiteMs what is left of the time after a forced release
 * @returns what to answer, and whether time may change it: then it is worth waiting
 */
export function refusalOf(
  refusal: Refusal,
  now: Reading,
  respiteMs: number,
): { readonly refused: Fault; readonly mayChange: boolean } {
  switch (refusal.why) {
    case "held":
      return { refused: heldByAnother(show(refusal.grant, now)), mayChange: true };
    case "swap_running":
      return { refused: swapRunning(refusal.jobId), mayChange: true };
    case "stop_running":
      return { refused: stopRunning(refusal.what), mayChange: true };
    case "others_first":
      return { refused: respiteMs > 0 ? justForced(respiteMs) : othersFirst(), mayChange: true };
    case "lost":
      return { refused: lost(), mayChange: false };
    case "spent":
      return { refused: spent(), mayChange: false };
    case "slots_fixed":
      return { refused: slotsFixed(), mayChange: false };
    case "clock_unset":
      return { refused: clockUnset(), mayChange: false };
  }
}
