/** Parts of the text of declarations that know nothing of how types are written out. */
import ts from "typescript-5";

const VAGUE: Readonly<Record<string, string>> = {
  error: "Refusal",
  ...Object.fromEntries(["get", "post", "put", "patch", "delete"].map((verb) => [verb, "Answer"])),
};
/** Names of the platform that the file speaks of, and must not hide. */
export const TAKEN = [
  "Error",
  "Response",
  "Request",
  "Headers",
  "Date",
  "File",
  "Blob",
  "Promise",
  "Array",
  "Event",
  "Lock",
];

/** `store_problem` → `StoreProblem`; what a verb answers is an `Answer`, what `error` carries a `Refusal`. */
export const nameFor = (member: string): string =>
  VAGUE[member] ?? member.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const isDeclaredReadonly = (property: ts.Symbol) =>
  (property.declarations ?? []).some(
    (declaration) => (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly) !== 0,
  );

/** A property that a mapped type made: the compiler notes it where its public interface does not show it. */
export const isMappedReadonly = (property: ts.Symbol) => {
  const READONLY = 8;
  const { links } = property as { links?: { checkFlags?: number } };
  return ((links?.checkFlags ?? 0) & READONLY) !== 0;
};

export const indent = (members: readonly string[]): string => members.join("\n").replace(/^(?=.)/gm, "  ");

/** Its documentation as a comment with a line break behind it; empty when there is none. */
export function docsOf(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const tags = symbol.getJsDocTags().map(({ name, text: words }) => `@${name} ${ts.displayPartsToString(words)}`);
  const lines = [text, ...tags]
    .join("\n")
    .split("\n")
    .map((line) => line.trimEnd());
  while (lines.at(0) === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) return "";
  const said = lines.map((line) => line.replaceAll("*/", "*\\/"));
  return said.length === 1
    ? `/** ${said[0]} */\n`
    : `/**\n${said.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}
