/** A number that a caller of plain JavaScript may have made of nothing: `Number(process.env.WAIT)`. @throws RangeError when it is none */
export function mustBeNumber(name: string, value: number): void {
  if (Number.isNaN(value)) throw new RangeError(`${name} is NaN: it has to be a number.`);
}
