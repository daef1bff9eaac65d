/** Who wants the same GPUs at the same time. Pure. */
import { isoTime } from "../ids.ts";
import type { KeptEntry, Run, Warning } from "./schedule.ts";

/** A run in milliseconds; one of unknown length is a moment. */
export interface Span {
  readonly entry: KeptEntry;
  readonly start: number;
  readonly end: number;
}

/** What is reserved now. */
export interface Reservation {
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Null: the whole cluster. */
  readonly slots: readonly string[] | null;
}

export interface Cluster {
  readonly slots: readonly { readonly name: string; readonly nodes: readonly string[] }[];
  /** Keys of the catalog. */
  readonly models: readonly string[];
}

const MOST_WARNINGS = 100;
/** A schedule that needs more has had its warnings by then. */
const MOST_COMPARISONS = 200_000;

/** Nodes that an entry wants: of its slot; of the first slot for a model without one; null: all there are. */
function placeOf(entry: KeptEntry, { slots }: Cluster): readonly string[] | null {
  if (entry.slot !== null) return slots.find((slot) => slot.name === entry.slot)?.nodes ?? null;
  return entry.model === null ? null : (slots[0]?.nodes ?? null);
}

function meets(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null || a.some((node) => b.includes(node));
}

const overlaps = (a: Span, b: Span) => a.start < Math.max(b.end, b.start + 1) && b.start < Math.max(a.end, a.start + 1);

const named = ({ owner, title }: KeptEntry) => `“${title}” of ${owner}`;

export function shownRun({ entry, start, end }: Span): Run {
  const { id, title, owner, model, slot, duration_seconds } = entry;
  return {
    entry_id: id,
    title,
    owner,
    model,
    slot,
    starts_at: isoTime(start),
    ends_at: duration_seconds === null ? null : isoTime(end),
  };
}

/** @param spans by their start */
export function warningsOf(
  entries: readonly KeptEntry[],
  spans: readonly Span[],
  reservation: Reservation | null,
  cluster: Cluster,
): Warning[] {
  return [
    ...unknownNames(entries, cluster),
    ...(reservation ? reserved(spans, reservation, cluster) : []),
    ...overlapping(spans, cluster),
  ].slice(0, MOST_WARNINGS);
}

function unknownNames(entries: readonly KeptEntry[], { slots, models }: Cluster): Warning[] {
  return entries.flatMap((entry): Warning[] => {
    const warnings: Warning[] = [];
    const warn = (kind: Warning["kind"], message: string) =>
      warnings.push({ kind, entries: [entry.id], at: null, message });
    if (entry.model !== null && !models.includes(entry.model))
      warn("unknown_model", `${named(entry)} wants the model ${entry.model}, which is not in the catalog.`);
    if (entry.slot !== null && !slots.some((slot) => slot.name === entry.slot))
      warn("unknown_slot", `${named(entry)} wants the slot ${entry.slot}, which does not exist.`);
    return warnings;
  });
}

/** The first run of each entry that falls into a reservation of somebody else. */
function reserved(spans: readonly Span[], reservation: Reservation, cluster: Cluster): Warning[] {
  const { holder, until, slots } = reservation;
  const theirs = slots?.flatMap((name) => cluster.slots.find((slot) => slot.name === name)?.nodes ?? []) ?? null;
  const told = new Set<string>();
  return spans.flatMap(({ entry, start }) => {
    if (start >= until || entry.owner === holder || told.has(entry.id)) return [];
    if (!meets(placeOf(entry, cluster), theirs)) return [];
    told.add(entry.id);
    const message = `${named(entry)} falls into the time for which ${holder} has the GPUs reserved.`;
    return [{ kind: "reserved" as const, entries: [entry.id], at: isoTime(start), message }];
  });
}

/** Each pair of entries once, with its first overlap and how many there are. */
function overlapping(spans: readonly Span[], cluster: Cluster): Warning[] {
  const found = new Map<string, { readonly a: Span; readonly b: Span; count: number }>();
  const places = new Map(spans.map(({ entry }) => [entry, placeOf(entry, cluster)]));
  let open: Span[] = [];
  let comparisons = 0;
  for (const span of spans) {
    if (comparisons > MOST_COMPARISONS) break;
    open = open.filter((other) => other.end > span.start || other.start === span.start);
    comparisons += open.length;
    for (const other of open) {
      if (other.entry.id === span.entry.id || !overlaps(other, span)) continue;
      if (!meets(places.get(other.entry) ?? null, places.get(span.entry) ?? null)) continue;
      const [one, two] = [other.entry.id, span.entry.id];
      const key = one < two ? `${one} ${two}` : `${two} ${one}`;
      const pair = found.get(key);
      if (pair) pair.count += 1;
      else if (found.size < MOST_WARNINGS) found.set(key, { a: other, b: span, count: 1 });
    }
    open.push(span);
  }
  return [...found.values()].map(({ a, b, count }) => {
    const same = a.entry.model !== null && a.entry.model === b.entry.model;
    const what = same ? "want the same GPUs, with the same model" : "want the same GPUs";
    const times = count === 1 ? "" : ` (${count} times)`;
    return {
      kind: "overlap",
      entries: [a.entry.id, b.entry.id],
      at: isoTime(b.start),
      message: `${named(a.entry)} and ${named(b.entry)} ${what} at the same time${times}.`,
    };
  });
}
