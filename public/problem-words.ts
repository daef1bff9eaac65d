/** What the banner says of the configuration and the data that could not be used. Pure. */
import type { Problem } from "./api.ts";
import { plural } from "./format.ts";

/** A database of the data folder is no setting: nobody wrote it, and nobody can mend it in Settings. */
export const isData = ({ source }: Pick<Problem, "source">): boolean => source.endsWith(".db");

export function problemWords(all: readonly Pick<Problem, "source">[]): string {
  const data = all.filter(isData).length;
  const settings = all.length - data;
  const files = data === 1 ? "a file of its data" : `${data} files of its data`;
  if (settings === 0) return `Spark Control could not read ${files}.`;
  const some = settings === 1 ? "One setting" : plural(settings, "setting");
  return data === 0
    ? `${some} could not be used.`
    : `${some} could not be used, and Spark Control could not read ${files}.`;
}
