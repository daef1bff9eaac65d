/** Who wants the same GPUs at the same time. Pure. */
import { isoTime } from "../ids.ts";
import { overlapsOf, type Span } from "./overlaps.ts";
import type { KeptEntry, Run, Warning } from "./schedule.ts";

/** What is reserved now. */
export interface Reservation {
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Sparks that it has, whatever its slots look like by now; null: the whole cluster. */
  readonly nodes: readonly string[] | null;
}

export interface Cluster {
  readonly slots: readonly { readonly name: string; readonly nodes: readonly string[] }[];
  /** Keys of the catalog. */
  readonly models: readonly string[];
}

/** Beyond so many pairs in each other's way an entry is named once, not in each pair. */
const MOST_PAIRS = 100;

/** Nodes that an entry wants: of its slot; of the first slot for a model without one; null: all there are. */
function placeOf(entry: KeptEntry, { slots }: Cluster): readonly string[] | null {
  if (entry.slot !== null) return slots.find((slot) => slot.name === entry.slot)?.nodes ?? null;
  return entry.model === null ? null : (slots[0]?.nodes ?? null);
}

function meets(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null || a.some((node) => b.includes(node));
}

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
  ];
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
  const { holder, until, nodes } = reservation;
  const told = new Set<string>();
  return spans.flatMap(({ entry, start }) => {
    if (start >= until || entry.owner === holder || told.has(entry.id)) return [];
    if (!meets(placeOf(entry, cluster), nodes)) return [];
    told.add(entry.id);
    const message = `${named(entry)} falls into the time for which ${holder} has the GPUs reserved.`;
    return [{ kind: "reserved" as const, entries: [entry.id], at: isoTime(start), message }];
  });
}

/** Each pair of entries once, with its first overlap and how many there are. */
function overlapping(spans: readonly Span[], cluster: Cluster): Warning[] {
  const places = new Map(spans.map(({ entry }) => [entry, placeOf(entry, cluster)]));
  const share = (one: KeptEntry, other: KeptEntry) => meets(places.get(one) ?? null, places.get(other) ?? null);
  return overlapsOf(spans, share, MOST_PAIRS).map(
    ({ first: { entry: one }, second: { entry: other, start }, count }) => {
      const same = one.model !== null && one.model === other.model;
      const what = same ? "want the same GPUs, with the same model" : "want the same GPUs";
      const times = count === 1 ? "" : ` (${count} times)`;
      return {
        kind: "overlap",
        entries: [one.id, other.id],
        at: isoTime(start),
        message: `${named(one)} and ${named(other)} ${what} at the same time${times}.`,
      };
    },
  );
}
