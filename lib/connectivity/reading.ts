/** What one poll of a Spark brought, and what follows from it. Pure. */

/**
 * up: a command ran over SSH. no_network: nothing answers at the SSH port. no_ssh: something answers there, but no command
 * can be run.
 */
export type Verdict = "up" | "no_network" | "no_ssh";

export interface Reading {
  readonly verdict: Verdict;
  /** When the poll began and ended, milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number;
  /** Why not, in one sentence; null when it is up. */
  readonly reason: string | null;
  /** Waiting does not help, such as a refused key: one poll tells as much as two. */
  readonly certain: boolean;
}

export interface Outage {
  readonly began: number;
  readonly level: Exclude<Verdict, "up">;
  readonly reason: string | null;
}

/** One Spark as the polls have shown it so far. */
export interface Link {
  /** Null: it is up, or was never asked. */
  readonly outage: Outage | null;
  /** Up: since when SSH has been silent although the port answers. Down: since when the port has answered again. */
  readonly doubt: number | null;
}

export type Change =
  | { readonly transition: "down"; readonly at: number; readonly outage: Outage }
  | { readonly transition: "up"; readonly at: number; readonly outage: Outage };

export const NEVER_ASKED: Link = { outage: null, doubt: null };

/** A port that answers counts as the end of an outage only when SSH follows within so many milliseconds. */
const BOOTED_WITHIN_MS = 15_000;

/**
 * A Spark whose port is silent is down at once. One that opens the port but runs no command may only be busy: it is down,
 * from the first such poll on, when the next one is no better.
 */
export function step(link: Link, reading: Reading): { readonly link: Link; readonly change: Change | null } {
  return link.outage === null ? whileUp(link, reading) : whileDown(link, link.outage, reading);
}

function whileUp(link: Link, reading: Reading): ReturnType<typeof step> {
  const { verdict, began, reason, certain } = reading;
  if (verdict === "up") return { link: NEVER_ASKED, change: null };
  if (verdict === "no_ssh" && !certain && link.doubt === null) return { link: { ...link, doubt: began }, change: null };
  const at = verdict === "no_ssh" ? (link.doubt ?? began) : began;
  const outage: Outage = { began: at, level: verdict, reason };
  return { link: { outage, doubt: null }, change: { transition: "down", at, outage } };
}

function whileDown(link: Link, outage: Outage, { verdict, began, ended }: Reading): ReturnType<typeof step> {
  if (verdict === "no_network") return { link: { outage, doubt: null }, change: null };
  const isNew = outage.level === "no_network";
  if (verdict === "no_ssh") return { link: { outage, doubt: isNew ? (link.doubt ?? began) : null }, change: null };
  const recent = link.doubt !== null && ended - link.doubt <= BOOTED_WITHIN_MS ? link.doubt : ended;
  return { link: NEVER_ASKED, change: { transition: "up", at: Math.max(recent, outage.began), outage } };
}
