/** The examples of a document: fenced blocks whose first line reads ```language run=name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const BLOCK = /^```(\w+) run=(\S+)\n(.*?)^```$/gms;

export interface Example {
  readonly language: string;
  readonly name: string;
  readonly code: string;
}

/** @param document path below the root */
export const examplesOf = (document: string): Example[] => examplesIn(readFileSync(join(ROOT, document), "utf8"));

/** @param text of a document */
export function examplesIn(text: string): Example[] {
  return [...text.matchAll(BLOCK)].map(([, language = "", name = "", code = ""]) => ({ language, name, code }));
}

/** The example of that language and name. */
export function example(document: string, language: string, name: string): string {
  const found = examplesOf(document).find((each) => each.language === language && each.name === name);
  if (!found) throw new Error(`${document} has no example in ${language} with run=${name}`);
  return found.code;
}

/** Where a TypeScript example finds `spark-control` as an app that has installed it does. */
export const CONSUMER_FOLDER = join(ROOT, "tests/types/node_modules");
