/** How a slot answered in the last minutes, by what the gateway noted of each request. */
import { fetchSlotRequests, type RequestEntry } from "./api.ts";
import { signal } from "./store.ts";

export const FIGURES_OF_MINUTES = 15;
/** Asked for at most so often while requests come. */
const PAUSE_MS = 10_000;
const ERROR_STATUS = 400;
/** An answer that is written for less than this came at once: neither its first word nor its speed can be told. */
const LEAST_WRITING_MS = 100;

export interface SlotFigures {
  readonly answered: number;
  readonly failed: number;
  /** There were more requests than were looked at: these are the newest of them. */
  readonly isPart: boolean;
  /** Median; null when no answer came as a stream. */
  readonly firstWordMs: number | null;
  /** Median for one answer; null when none told its tokens. */
  readonly tokensPerSecond: number | null;
}

/** By slot; a slot is missing until it was asked for. */
export const slotFigures = signal<Readonly<Record<string, SlotFigures>>>({});

/** Pure. */
export function figuresOf(entries: readonly RequestEntry[], isPart: boolean): SlotFigures {
  const reached = entries.filter(({ outcome }) => outcome !== "refused" && outcome !== "left");
  const good = reached.filter(
    ({ outcome, status }) => outcome === "complete" && (status ?? ERROR_STATUS) < ERROR_STATUS,
  );
  const streams = good.flatMap(({ ttft_ms: first, duration_ms: whole, tokens_out: tokens }) =>
    first !== null && whole !== null && whole - first >= LEAST_WRITING_MS
      ? [{ first, speed: tokens === null ? null : (tokens * 1_000) / (whole - first) }]
      : [],
  );
  return {
    answered: good.length,
    failed: reached.length - good.length,
    isPart,
    firstWordMs: median(streams.map(({ first }) => first)),
    tokensPerSecond: median(streams.flatMap(({ speed }) => (speed === null ? [] : [speed]))),
  };
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

let askedAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Soon, and not more often than is worth it. A question that fails changes nothing. */
export function refreshSlotFigures(slots: readonly string[]): void {
  if (timer !== undefined) return;
  timer = setTimeout(
    () => {
      timer = undefined;
      askedAt = Date.now();
      for (const slot of slots) void ask(slot).catch(() => undefined);
    },
    Math.max(0, askedAt + PAUSE_MS - Date.now()),
  );
}

async function ask(slot: string): Promise<void> {
  const from = new Date(Date.now() - FIGURES_OF_MINUTES * 60_000);
  const { entries, next } = await fetchSlotRequests(slot, from.toISOString());
  slotFigures.value = { ...slotFigures.value, [slot]: figuresOf(entries, next !== null) };
}
