/** One thing in the configuration that could not be used. Collected and shown, never thrown. */
export interface Problem {
  /** The file (base name, such as `topology.yaml`) or `environment`. */
  readonly source: string;
  /** 1-based line of the offending key or value; null for the environment. */
  readonly line: number | null;
  /** Where in the document: `models.qwen3-235b.repo`, `SPARK1_HOST`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, in one sentence. Does not quote secrets. */
  readonly message: string;
  /** What was done instead, in one sentence: "Uses 8888 instead.", "The entry is skipped." */
  readonly instead: string;
}
