/** Cosine of the angle between two vectors; 0 where one of them has no length. */
export function likeness(one: readonly number[], other: readonly number[]): number {
  let product = 0;
  let square = 0;
  let otherSquare = 0;
  for (const [at, value] of one.entries()) {
    const beside = other[at] ?? 0;
    product += value * beside;
    square += value * value;
    otherSquare += beside * beside;
  }
  const length = Math.sqrt(square * otherSquare);
  return length === 0 ? 0 : product / length;
}
