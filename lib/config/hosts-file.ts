/** `hosts.json` of DATA_DIR: a JSON list of the names under which a package (StartOS) makes the dashboard reachable. */
import type { Problem } from "./problem.ts";
import { invalidAllowedHost } from "./values.ts";
import type { TextFile } from "./yaml-document.ts";

export interface PackageHosts {
  /** Lower case, without port and the root's dot. */
  readonly hosts: readonly string[];
  readonly problems: readonly Problem[];
}

/** A system of hundreds of addresses is none. */
const MOST = 256;

/** Never throws. An item that is no name is left out and reported; it is not quoted, because nobody wrote it by hand. */
export function readHosts(file: TextFile | null): PackageHosts {
  if (file === null) return { hosts: [], problems: [] };
  const refuse = (path: string, message: string, instead: string): Problem => ({
    source: file.name,
    line: null,
    path,
    message,
    instead,
  });
  const items = parsed(file.text);
  if (!Array.isArray(items))
    return { hosts: [], problems: [refuse("", "This is not a JSON list of names.", "Nothing of this file is used.")] };
  const problems: Problem[] = [];
  if (items.length > MOST)
    problems.push(refuse("", `There are more than ${MOST} names.`, `The first ${MOST} are used.`));
  const hosts = items.slice(0, MOST).flatMap((item: unknown, index) => {
    const name = typeof item === "string" ? item.trim().toLowerCase().replace(/\.$/, "") : "";
    const refusal = invalidAllowedHost(name);
    if (refusal === null) return [name];
    problems.push(refuse(String(index), `The name ${refusal}.`, "It is left out."));
    return [];
  });
  return { hosts: [...new Set(hosts)], problems };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
