/** What hf-download.sh says, read for its phase and for why it failed. Pure. */

const LONGEST = 32_768;
const SHOWN_LINES = 8;
const LONGEST_LINE = 300;
const CONTROL = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

export type ScriptPhase = "downloading" | "copying";

/** The end of a log that arrives in pieces, and how far the script has come. */
export class ScriptLog {
  readonly #decoder = new TextDecoder();
  #text = "";
  #phase: ScriptPhase = "downloading";

  push(chunk: Uint8Array): void {
    this.#text = (this.#text + this.#decoder.decode(chunk, { stream: true })).slice(-LONGEST);
    if (/^Copying model/m.test(this.#text)) this.#phase = "copying";
  }

  get phase(): ScriptPhase {
    return this.#phase;
  }

  /** Oldest first; of a progress bar only its last state. */
  lines(): string[] {
    return this.#text
      .replace(CONTROL, "")
      .split("\n")
      .map((line) => line.replace(/\r+$/, "").split("\r").at(-1)?.trim() ?? "")
      .filter((line) => line !== "");
  }
}

export interface Explained {
  readonly reason: string;
  readonly advice: string;
}

interface Sign {
  readonly pattern: RegExp;
  readonly reason: (where: Places) => string;
  readonly advice: string;
}

export interface Places {
  readonly head: string;
  readonly copies: readonly string[];
  readonly repo: string;
}

const others = ({ copies }: Places) => copies.join(" and ");
const AGAIN = "Start it again then: it goes on where it stopped.";

/** The cause stands before what follows from it. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /No space left on device|Disk quota exceeded|ENOSPC|not enough free disk space/i,
    reason: (where) => `The disk of ${where.head}${where.copies.length > 0 ? ` or ${others(where)}` : ""} is full.`,
    advice: `Delete models that nobody needs. ${AGAIN}`,
  },
  {
    pattern: /GatedRepo|gated repo|Access to model .* is restricted|401 Client Error|403 Client Error/i,
    reason: ({ repo }) => `Hugging Face does not give ${repo} to everybody.`,
    advice: "Accept its terms on huggingface.co, and log in on the first Spark with `uvx hf auth login`.",
  },
  {
    pattern: /RepositoryNotFound|Repository Not Found|404 Client Error/i,
    reason: ({ repo }) => `Hugging Face has no ${repo}.`,
    advice: "Check the name of the repository.",
  },
  {
    pattern: /uvx' command not found|uvx: command not found|uvx: not found/i,
    reason: ({ head }) => `${head} has no uvx, with which the download script works.`,
    advice: "Install it there: curl -LsSf https://astral.sh/uv/install.sh | sh",
  },
  {
    pattern:
      /Copy to \S+ failed|One or more copies failed|rsync error|rsync: .*(?:failed|connection)|ssh: connect to host|lost connection/i,
    reason: (where) => `The model is on ${where.head}, but could not be copied to ${others(where)}.`,
    advice: `Check that ${"the first Spark"} may log in there (Machines shows it) and that it is switched on. ${AGAIN}`,
  },
  {
    pattern:
      /Temporary failure in name resolution|ConnectionError|Max retries exceeded|Network is unreachable|timed out/i,
    reason: ({ head }) => `${head} does not reach huggingface.co.`,
    advice: `Check its way to the internet. ${AGAIN}`,
  },
];

/** Why the script ended with that code; null is "it was killed or never wrote one". */
export function explain(lines: readonly string[], exitCode: number | null, where: Places): Explained {
  const said = lines.join("\n");
  const sign = SIGNS.find(({ pattern }) => pattern.test(said));
  if (sign) return { reason: sign.reason(where), advice: sign.advice };
  const last = lines.at(-1);
  const how = exitCode === null ? "was killed" : `ended with exit code ${exitCode}`;
  return {
    reason: `The download script ${how}${last === undefined ? " without a word" : `: ${last.slice(0, LONGEST_LINE)}`}`,
    advice: AGAIN,
  };
}

/** The last lines, for people. */
export function evidenceIn(lines: readonly string[]): string | null {
  const shown = lines.slice(-SHOWN_LINES).map((line) => line.slice(0, LONGEST_LINE));
  return shown.length === 0 ? null : shown.join("\n");
}
