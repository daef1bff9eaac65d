import { createHash } from "node:crypto";

const DIMENSIONS = 1024;

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** 1024 numbers of length 1 (L2), a hashed bag of words: the same text gives the same vector, texts that share words are near. */
export function embedding(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const word of ["", ...words(text)]) {
    const digest = createHash("sha256").update(word).digest();
    for (let at = 0; at < 16; at += 2) {
      const slot = digest.readUInt16LE(at) % DIMENSIONS;
      vector[slot] = (vector[slot] ?? 0) + (digest[at + 16]! % 2 === 0 ? 1 : -1);
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** A raw logit: share of the query's words that the text has, spread over -8..8. */
export function relevance(query: string, text: string): number {
  const asked = words(query);
  if (asked.length === 0) return -8;
  const have = new Set(words(text));
  return -8 + (16 * asked.filter((word) => have.has(word)).length) / asked.length;
}
