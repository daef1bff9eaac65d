/**
 * What one swap reads of the remote logs: the last lines of each in the present attempt, and up to which byte of each log the store
 * has them. Every line is stored together with the place where it ends, so that after a restart none is missing or twice.
 */
import { LastLines } from "./last-lines.ts";
import type { Leg } from "./machine.ts";

/** What the log of an attempt is called in the store: the way back has logs of its own. */
export const storedAs = (source: string, leg: Leg): string => (leg === "rollback" ? `${source} (back)` : source);

/** A line of a remote log. */
export interface RemoteLine {
  /** `launch` or a node's name. */
  readonly source: string;
  readonly text: string;
  /** Offset of the first byte behind it. */
  readonly end: number;
}

export class RunLog {
  #tail = new LastLines();
  #known: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly means: {
      writeLog(source: string, line: string, readTo?: number): void;
      /** Up to which byte the store has the log of each source. */
      readTo(): ReadonlyMap<string, number>;
      leg(): Leg;
    },
  ) {}

  /** @returns false: the store had it already */
  take(line: RemoteLine): boolean {
    const { source, text, end } = line;
    this.#tail.add(line);
    const name = storedAs(source, this.means.leg());
    const isNew = end > (this.#known.get(name) ?? 0);
    if (isNew) this.means.writeLog(name, text, end);
    return isNew;
  }

  tail(): readonly string[] {
    return this.#tail.all();
  }

  /** The remote logs are now read from their beginning. @returns up to which byte the store has that of a source */
  begin(): (source: string) => number {
    this.#tail = new LastLines();
    this.#known = this.means.readTo();
    return (source) => this.#known.get(storedAs(source, this.means.leg())) ?? 0;
  }
}
