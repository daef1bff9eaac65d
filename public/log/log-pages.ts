/** Reads the log of a swap in pages. */
import type { LogLine } from "./line-buffer.ts";

/** As many as the server gives at once. */
export const LINES_A_PAGE = 2_000;

export interface Page {
  readonly lines: readonly LogLine[];
  /** Number of the newest line there is. */
  readonly last_seq: number;
}

export const wholeLogUrl = (job: string): string => `/api/swap/${encodeURIComponent(job)}/log`;

/**
 * Without a place the last lines.
 * @returns null when there is no such log (any more)
 * @throws when the server cannot be reached or does not manage to answer
 */
export async function readPage(
  job: string,
  place: { readonly after?: number; readonly before?: number } = {},
): Promise<Page | null> {
  const query = new URLSearchParams({ limit: String(LINES_A_PAGE) });
  for (const [name, value] of Object.entries(place)) query.set(name, String(value));
  const answer = await fetch(`/api/swap/${encodeURIComponent(job)}/lines?${query}`, { cache: "no-store" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the log answered with status ${answer.status}`);
  return (await answer.json()) as Page;
}
