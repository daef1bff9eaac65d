/** The last hour of a Spark's figures, in memory and of fixed size. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";
import type { HardwareCard } from "./card.ts";

export const HISTORY_MS = 3_600_000;
/** A point on a sparkline. */
const POINT_MS = 30_000;
const POINTS = HISTORY_MS / POINT_MS;
const MIB = 1024 * 1024;

const Series = (description: string) =>
  Type.Array(Nullable(Type.Number()), { description: `${description}; null where nobody looked` });
export const HistorySchema = Type.Object(
  {
    from: Type.String({ description: "Time of the first point" }),
    step_seconds: Type.Number(),
    gpu_percent: Series("Mean use of the GPU"),
    gpu_celsius: Series("Mean temperature"),
    gpu_watts: Series("Mean power"),
    memory_used_mib: Series("Mean memory in use"),
    cpu_percent: Series("Mean use of the processors"),
  },
  { title: "HardwareHistory" },
);
export type HistoryData = Static<typeof HistorySchema>;

const FIGURES = {
  gpu_percent: ({ gpu }: HardwareCard) => gpu?.percent ?? null,
  gpu_celsius: ({ gpu }: HardwareCard) => gpu?.celsius ?? null,
  gpu_watts: ({ gpu }: HardwareCard) => gpu?.watts ?? null,
  memory_used_mib: ({ memory }: HardwareCard) => memory && (memory.total_bytes - memory.available_bytes) / MIB,
  cpu_percent: ({ cpu }: HardwareCard) => cpu.percent,
} as const;
type Figure = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as readonly Figure[];

/** Means of half minutes, in a ring: about 10 KB a Spark, whatever the pace of the looks. */
export class History {
  readonly #sums = new Float64Array(POINTS * NAMES.length);
  readonly #counts = new Uint16Array(POINTS * NAMES.length);
  /** Number of the half minute, counted from 1970, that each place of the ring holds. */
  readonly #held = new Float64Array(POINTS).fill(-1);

  /** @param at milliseconds since the epoch */
  add(at: number, card: HardwareCard): void {
    const number = Math.floor(at / POINT_MS);
    const place = number % POINTS;
    if (this.#held[place] !== number) {
      this.#held[place] = number;
      this.#sums.fill(0, place * NAMES.length, (place + 1) * NAMES.length);
      this.#counts.fill(0, place * NAMES.length, (place + 1) * NAMES.length);
    }
    NAMES.forEach((name, index) => {
      const value = FIGURES[name](card);
      const cell = place * NAMES.length + index;
      if (value === null || this.#counts[cell] === 0xffff) return;
      this.#sums[cell] = (this.#sums[cell] ?? 0) + value;
      this.#counts[cell] = (this.#counts[cell] ?? 0) + 1;
    });
  }

  /** The hour that ends with `now`. @param iso how a time is written */
  until(now: number, iso: (at: number) => string): HistoryData {
    const last = Math.floor(now / POINT_MS);
    const first = last - POINTS + 1;
    const series = (index: number) =>
      Array.from({ length: POINTS }, (_, offset) => {
        const place = (first + offset) % POINTS;
        const cell = place * NAMES.length + index;
        const count = this.#counts[cell] ?? 0;
        if (this.#held[place] !== first + offset || count === 0) return null;
        return Math.round(((this.#sums[cell] ?? 0) / count) * 10) / 10;
      });
    const all = Object.fromEntries(NAMES.map((name, index) => [name, series(index)])) as Record<
      Figure,
      (number | null)[]
    >;
    return { from: iso(first * POINT_MS), step_seconds: POINT_MS / 1000, ...all };
  }
}
