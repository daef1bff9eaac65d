/** Judges what arrived of a log of numbered lines: `line 000001 <Unix ms of writing>`. */

/** Not from the start on: a progress bar that is not ended yet stands before it on the same line. */
const LINE = /line (\d{6}) (\d+)$/;

export interface ReceivedLine {
  readonly text: string;
  /** Unix milliseconds. */
  readonly receivedMs: number;
}

export interface NumberedLines {
  /** How many numbers of 1..count never came, came again, or came in another than their place. */
  readonly wrong: number;
  /** Milliseconds from written to received, a line each. */
  readonly latencies: readonly number[];
  /** The speed at which they were written. */
  readonly linesASecond: number;
}

/** Other lines are passed over. @throws RangeError when fewer than two numbered lines came */
export function readNumberedLines(lines: readonly ReceivedLine[], count: number): NumberedLines {
  const numbered = lines.flatMap(({ text, receivedMs }) => {
    const [, number, writtenMs] = LINE.exec(text) ?? [];
    return number === undefined ? [] : [{ number: Number(number), writtenMs: Number(writtenMs), receivedMs }];
  });
  const first = numbered[0];
  const last = numbered.at(-1);
  if (!first || !last || first === last) throw new RangeError("no numbered lines came");
  const distinct = new Set(numbered.map(({ number }) => number));
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !distinct.has(number));
  const doubled = numbered.length - distinct.size;
  const misplaced = numbered.filter(({ number }, index) => number < (numbered[index - 1]?.number ?? 0)).length;
  return {
    wrong: missing.length + doubled + misplaced,
    latencies: numbered.map(({ writtenMs, receivedMs }) => receivedMs - writtenMs),
    linesASecond: ((numbered.length - 1) * 1000) / (last.writtenMs - first.writtenMs),
  };
}
