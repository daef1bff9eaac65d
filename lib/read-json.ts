/** Documents in the databases: one row that a damaged disk made unreadable must not keep the others from being read. */

/** @returns null when it is no JSON */
export function readJson<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
