/** The reservation lock, as everything asks it that swaps, stops or restarts a model. */
import type { Slot } from "../topology/topology.ts";

/** A slot, and the Sparks on which something of it, or for it, is stopped. */
export interface SwapPlace {
  readonly slot: string;
  readonly nodes: readonly string[];
}

/** Of a reservation, what everyone may see. */
export interface Reserved {
  readonly holder: string;
  readonly note: string | null;
  /** ISO 8601 UTC. */
  readonly expires_at: string;
}

/** Who may swap, stop and restart what runs in a slot: the reservation lock. */
export interface Gate {
  /**
   * @returns generation of the reservation under which it happens; null when it is under none
   * @throws Fault 423 with `lock`
   */
  permit(place: SwapPlace, token: string | null): number | null;
  /**
   * The same for what begins now: where nothing is reserved, who waits for a reservation comes before a new swap, stop or
   * restart, or a stream of them would keep it from them for ever.
   * @throws Fault 423 with `lock`; 409 `others_first`
   */
  admit(place: SwapPlace, token: string | null): number | null;
  /** Whether somebody waits to reserve the place, and comes next. */
  isAwaited(place: SwapPlace): boolean;
  /** Another reservation than this one that covers the place; null: there is none. */
  reservationOfAnother(place: SwapPlace, reservation: number | null): Reserved | null;
  /** A stop or restart under way in the slot, in words; null when there is none. */
  disruptionIn(place: SwapPlace): string | null;
  /**
   * Tells of one that begins, in the same synchronous step as its permit.
   * @param reservation what the permit gave back
   */
  disrupt(
    place: SwapPlace,
    what: string,
    reservation: number | null,
  ): { /** Aborts when a person ends that reservation. */ readonly forced: AbortSignal; end(): void };
}

export const placeOf = (slot: Slot): SwapPlace => ({ slot: slot.name, nodes: slot.nodes });
