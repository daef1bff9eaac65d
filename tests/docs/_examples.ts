/** The examples of a document: fenced blocks whose first line reads ```language run=name. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildClientPackage, CLIENT_NAME } from "../../release/client-package.ts";

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

/** A new folder in which a TypeScript example finds `spark-control-client` as an app that has installed it does. */
export async function consumerFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "spark-examples-"));
  await buildClientPackage(join(folder, "node_modules", CLIENT_NAME));
  return folder;
}
