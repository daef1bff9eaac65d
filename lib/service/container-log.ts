/** The log of a container, read piece by piece with docker's own times: what is new since the last look. Pure. */

export interface ContainerLine {
  /** As docker wrote it, ISO 8601. */
  readonly at: string;
  readonly line: string;
}

const STAMPED = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})(?: (.*))?$/s;
const LONGEST_LINE = 8_192;

interface Stamped extends ContainerLine {
  /** Sorts by time to the nanosecond. */
  readonly key: string;
}

/** stdout and stderr come one after the other: sorted by time they are as they were written. A line without a time is left out. */
function stamped(text: string): Stamped[] {
  const lines = text.split("\n").flatMap((raw): Stamped[] => {
    const [, second, fraction = "", zone, line = ""] = STAMPED.exec(raw.replace(/\r$/, "")) ?? [];
    if (second === undefined || zone === undefined) return [];
    const at = Date.parse(`${second}${zone}`);
    if (Number.isNaN(at)) return [];
    const key = `${String(at).padStart(15, "0")}${fraction.slice(1, 10).padEnd(9, "0")}`;
    // A progress bar draws itself anew after each \r: its last state is the line.
    return [{ at: `${second}${fraction}${zone}`, line: (line.split("\r").at(-1) ?? "").slice(0, LONGEST_LINE), key }];
  });
  return lines.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const plain = ({ at, line }: Stamped): ContainerLine => ({ at, line });

export function linesOf(text: string): ContainerLine[] {
  return stamped(text).map(plain);
}

/** Where the reading stands. */
export interface Mark {
  readonly key: string;
  /** As docker wrote it: for `--since`, which includes that moment. */
  readonly at: string;
  /** Lines of that very moment that were told. */
  readonly told: readonly string[];
}

export interface Piece {
  readonly lines: readonly ContainerLine[];
  readonly mark: Mark | null;
  /** Lines are missing between the last piece and this one. */
  readonly gap: boolean;
}

/**
 * What is new in a reading that began at the mark.
 * @param most so many lines were asked for: if that many came and none of the mark's moment, some were left out between
 */
export function pieceOf(text: string, before: Mark | null, most: number): Piece {
  const all = stamped(text);
  const told = [...(before?.told ?? [])];
  const fresh = all.filter(({ key, line }) => {
    if (before === null || key > before.key) return true;
    if (key < before.key) return false;
    const at = told.indexOf(line);
    if (at >= 0) told.splice(at, 1);
    return at < 0;
  });
  const last = fresh.at(-1);
  const gap = before !== null && all.length >= most && (all[0]?.key ?? "") > before.key;
  if (!last) return { lines: [], mark: before, gap: false };
  const ofThatMoment = all.filter(({ key }) => key === last.key).map(({ line }) => line);
  return { lines: fresh.map(plain), mark: { key: last.key, at: last.at, told: ofThatMoment }, gap };
}
