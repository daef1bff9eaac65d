/**
 * From the time on a local wall clock to moments. A wall time is written in milliseconds as if its clock showed UTC
 * ("fake UTC"): `Date.UTC(2026, 2, 29, 2, 30)` is half past two wherever it is.
 */
const DAY_MS = 86_400_000;
const OFFSET = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

/** Days of which the offset is remembered: asking for it is slow. */
const MOST_DAYS = 2_000;
const zones = new Map<string, LocalTime>();

export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  /** By number of the day, at its beginning in UTC. */
  readonly #daily = new Map<number, number>();

  /** @throws RangeError there is no such time zone */
  static in(timezone: string): LocalTime {
    const known = zones.get(timezone) ?? new LocalTime(timezone);
    zones.set(timezone, known);
    return known;
  }

  private constructor(timezone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
  }

  /** Milliseconds that the local clock is ahead of UTC. */
  offsetAt(moment: number): number {
    const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(this.#format.format(moment)) ?? [];
    if (sign === undefined) return 0;
    const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === "-" ? -size : size;
  }

  /** A wall time before every one that is still to come after this moment, those that a clock put back repeats included. */
  before(moment: number): number {
    return moment + Math.min(this.offsetAt(moment), this.offsetAt(moment + DAY_MS));
  }

  /** Every moment at which the clock shows this: none in a gap, two where the clock is put back. Ascending. */
  moments(wall: number): number[] {
    const [before, after] = this.#offsetsAround(wall);
    if (before === after) return [wall - before];
    const candidates = [wall - before, wall - after].sort((a, b) => a - b);
    return candidates.filter((moment) => moment + this.offsetAt(moment) === wall);
  }

  /** The one moment that stands for a wall time: the first that shows it, or else the first after the gap that it fell into. */
  firstMoment(wall: number): number {
    const [shown] = this.moments(wall);
    if (shown !== undefined) return shown;
    const [before, after] = this.#offsetsAround(wall);
    // The clock was put forward in between; from then on it shows later times.
    let [early, late] = [wall - after, wall - before];
    while (late - early > 1) {
      const middle = Math.floor((early + late) / 2);
      if (middle + this.offsetAt(middle) < wall) early = middle;
      else late = middle;
    }
    return late;
  }

  /**
   * No offset is larger than a day, so these lie on either side of whatever happens at that wall time. No zone changes its clock
   * twice within the three days between them.
   */
  #offsetsAround(wall: number): readonly [number, number] {
    const day = Math.floor(wall / DAY_MS);
    return [this.#offsetOf(day - 1), this.#offsetOf(day + 2)];
  }

  #offsetOf(day: number): number {
    let offset = this.#daily.get(day);
    if (offset === undefined) {
      offset = this.offsetAt(day * DAY_MS);
      if (this.#daily.size >= MOST_DAYS) this.#daily.clear();
      this.#daily.set(day, offset);
    }
    return offset;
  }
}
