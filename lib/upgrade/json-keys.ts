/** Keys that a JSON object says more than once: JSON.parse keeps the last value and is silent about the others. Pure. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/** @param json valid JSON of an object. @returns each repetition, so that a key said three times is there twice */
export function repeatedKeys(json: string): string[] {
  const seen = new Set<string>();
  const repeated: string[] = [];
  let depth = 0;
  let text: string | null = null;
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === ":" && depth === 1 && text !== null) {
      const key = JSON.parse(text) as string;
      if (seen.has(key)) repeated.push(key);
      seen.add(key);
    }
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    text = token.startsWith('"') ? token : null;
  }
  return repeated;
}
