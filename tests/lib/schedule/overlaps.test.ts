import { expect, test } from "bun:test";
import fc from "fast-check";
import { overlapsOf, type Span } from "../../../lib/schedule/overlaps.ts";
import type { KeptEntry } from "../../../lib/schedule/schedule.ts";

const entryOf = (id: string) => ({ id }) as KeptEntry;
const plans = fc.array(
  fc.record({ place: fc.constantFrom("left", "right", null), length: fc.nat(12), starts: fc.uniqueArray(fc.nat(60)) }),
  { maxLength: 7 },
);

test("they are those that a look at every two runs finds, the first of each pair and how many", () => {
  const check = fc.property(plans, (all) => {
    const places = new Map<KeptEntry, string | null>();
    const spans = all.flatMap(({ place, length, starts }, at): Span[] => {
      const entry = entryOf(`e${at}`);
      places.set(entry, place);
      return starts.map((start) => ({ entry, start, end: start + length }));
    });
    spans.sort((a, b) => a.start - b.start);
    const share = (one: KeptEntry, other: KeptEntry) =>
      places.get(one) === null || places.get(other) === null || places.get(one) === places.get(other);
    const pairOf = (one: Span, other: Span) => [one.entry.id, other.entry.id].sort().join(" ");

    const wanted = new Map<string, { at: number; count: number }>();
    for (const [at, second] of spans.entries())
      for (const first of spans.slice(0, at)) {
        const meets = second.start < Math.max(first.end, first.start + 1);
        if (first.entry === second.entry || !meets || !share(first.entry, second.entry)) continue;
        const pair = wanted.get(pairOf(first, second));
        wanted.set(pairOf(first, second), { at: pair?.at ?? second.start, count: (pair?.count ?? 0) + 1 });
      }

    const found = overlapsOf(spans, share, 100).map(
      ({ first, second, count }) => [pairOf(first, second), { at: second.start, count }] as const,
    );
    expect(new Map(found)).toEqual(wanted);
    expect(found).toHaveLength(wanted.size);
    // Nobody who is in somebody's way goes unnamed, however few pairs are wanted.
    const namedBy = (pairs: Iterable<string>) => new Set([...pairs].flatMap((pair) => pair.split(" ")));
    const few = overlapsOf(spans, share, 1).map(({ first, second }) => pairOf(first, second));
    expect(namedBy(few)).toEqual(namedBy(wanted.keys()));
  });
  fc.assert(check, { numRuns: 2_000 });
});
