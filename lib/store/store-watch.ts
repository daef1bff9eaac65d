/** Knows whether what must be kept can be written, since when it cannot, and when it can again. */
import { type Static, Type } from "@sinclair/typebox";
import { unwritable } from "./unwritable.ts";

export const StoreProblemSchema = Type.Object(
  {
    /** The state in one sentence. */
    message: Type.String(),
    /** What SQLite said. */
    evidence: Type.String(),
    /** What to do. */
    advice: Type.String(),
    since: Type.String(),
  },
  { title: "StoreProblem" },
);
export type StoreProblem = Static<typeof StoreProblemSchema>;

export interface StoreWatchOptions {
  readonly dataDir: string;
  readonly now: () => string;
  /** Writes something, as a trial. Throws while that is impossible. */
  readonly tryWriting: () => void;
  /** The problem began, or is over (null). Called once for each. */
  readonly onChange: (problem: StoreProblem | null, code: string | null) => void;
  readonly retryMs?: number;
}

export class StoreWatch {
  #problem: StoreProblem | null = null;
  /** Parts whose last write failed. */
  readonly #failing = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: StoreWatchOptions) {}

  get problem(): StoreProblem | null {
    return this.#problem;
  }

  /** @returns whether the error is about the place where the data lie; others are not noted */
  failed(part: string, error: unknown): boolean {
    const cause = unwritable(error);
    if (!cause) return false;
    this.#failing.add(part);
    if (this.#problem) return true;
    const { dataDir, now, onChange, retryMs = 1_000 } = this.options;
    this.#problem = {
      message: "The disk of Spark Control is full or cannot be written.",
      evidence: `${cause.code}: ${cause.message}`,
      advice: `Make room on the disk that holds ${dataDir}. What waits goes on by itself; no restart is needed.`,
      since: now(),
    };
    this.#timer = setInterval(() => this.#look(), retryMs);
    onChange(this.#problem, cause.code ?? null);
    return true;
  }

  worked(part: string): void {
    if (!this.#failing.delete(part) || this.#failing.size > 0) return;
    clearInterval(this.#timer);
    this.#problem = null;
    this.options.onChange(null, null);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Nobody else may have anything to write: whether there is room again is then seen by a trial. */
  #look(): void {
    try {
      this.options.tryWriting();
    } catch {
      return;
    }
    for (const part of [...this.#failing]) if (part !== "telemetry") this.worked(part);
  }
}
