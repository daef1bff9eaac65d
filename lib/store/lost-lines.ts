/** What stands in a log in the place of lines that had to be given up, and how many of each source they were. */

export interface LogRow {
  readonly job_id: string;
  readonly seq: number;
  readonly at: string;
  readonly source: string;
  readonly line: string;
  /** Where it ends in the remote log of its source, in bytes; null: it is of none. */
  readonly read_to: number | null;
}

/** Lines of one source that were given up. */
export interface Lost {
  readonly lines: number;
  /** Where the last of them ends. */
  readonly readTo: number | null;
}

/** A row that waits to be written; with `lost` it stands for lines that were given up, counted by source. */
export interface WaitingRow {
  readonly row: LogRow;
  readonly lost?: ReadonlyMap<string, Lost>;
}

/**
 * One row for each log of which rows are given up. It takes the number of the last of them: the numbers before it are
 * missing, and everything after it stays as it was.
 */
export function placeholders(given: readonly WaitingRow[]): WaitingRow[] {
  const last = new Map<string, { row: LogRow; lost: Map<string, Lost> }>();
  for (const { row, lost } of given) {
    const known = last.get(row.job_id) ?? { row, lost: new Map<string, Lost>() };
    for (const [source, { lines, readTo }] of lost ?? [[row.source, { lines: 1, readTo: row.read_to }] as const]) {
      const before = known.lost.get(source);
      known.lost.set(source, { lines: (before?.lines ?? 0) + lines, readTo: readTo ?? before?.readTo ?? null });
    }
    last.set(row.job_id, { row, lost: known.lost });
  }
  return [...last.values()].map(({ row, lost }) => ({
    row: { ...row, source: "controller", line: words(lost), read_to: null },
    lost,
  }));
}

function words(lost: ReadonlyMap<string, Lost>): string {
  const all = [...lost.values()].reduce((sum, { lines }) => sum + lines, 0);
  const parts = [...lost].map(([source, { lines }]) => `${source}: ${lines}`).join(", ");
  return `… ${all} ${all === 1 ? "line is" : "lines are"} missing here: Spark Control could not write them (${parts}) …`;
}
