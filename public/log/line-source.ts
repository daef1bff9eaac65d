/** Where the lines of a log come from. */
import type { LineBuffer, LogLine } from "./line-buffer.ts";

/** Keeps its buffer level with the log until it is closed. */
export interface LineSource {
  readonly buffer: LineBuffer;
  /** Lines that are there and are not in the buffer because of the pause. */
  readonly waiting: number;
  /** There is no such log, or it is not kept any more. */
  readonly isMissing: boolean;
  isPaused: boolean;
  close(): void;
}

export interface SourceEvents {
  /** The buffer is another. `fresh` are those of its lines that came at the end. */
  onLines(fresh: readonly LogLine[]): void;
  /** Something else that the view shows has changed. */
  onChange(): void;
}
