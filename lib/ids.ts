/** Identifiers and times as they appear on the wire. */

/** A UUIDv7: sorts by the time of its making. */
export const newId = (): string => Bun.randomUUIDv7();

/** `2026-01-31T12:00:00.000+00:00`. @param at milliseconds since the epoch */
export const isoTime = (at: number): string => new Date(at).toISOString().replace("Z", "+00:00");
