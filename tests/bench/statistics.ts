/** Order statistics of a series of measurements. */

/** The value that so large a share of the values does not exceed, by the nearest rank. @param share 0..1. @throws for no values */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("no values to take a percentile of");
  return value;
}

/** The middle value, or the mean of the two in the middle. @throws for no values */
export function median(values: readonly number[]): number {
  const lower = percentile(values, 0.5);
  const upper = -percentile(
    values.map((value) => -value),
    0.5,
  );
  return (lower + upper) / 2;
}
