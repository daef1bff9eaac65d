/** Where a configured value comes from, for problems that can be found and fixed. */
import type { Problem } from "./problem.ts";

/** Keys and list positions from the root of a document. */
export type Path = readonly (string | number)[];

export type Origin = Pick<Problem, "source" | "line" | "path">;

const MAX_SHOWN_KEY = 80;

/** A key as it may be shown: control characters escaped, cut when long. */
export function showKey(key: string): string {
  const printable = JSON.stringify(key.slice(0, MAX_SHOWN_KEY)).slice(1, -1);
  return key.length > MAX_SHOWN_KEY ? `${printable}…` : printable;
}

/** `["models", "x", "args", 0]` → `models.x.args.0` */
export function showPath(path: Path): string {
  return path.map((key) => showKey(String(key))).join(".");
}

/** The origin of what an environment variable says. */
export function environmentOrigin(name: string): Origin {
  return { source: "environment", line: null, path: name };
}

/** `topology.yaml, line 4, nodes.0.host` or `environment, SPARK1_HOST` */
export function describeOrigin(origin: Origin): string {
  const parts = [origin.source, origin.line === null ? "" : `line ${origin.line}`, origin.path];
  return parts.filter((part) => part !== "").join(", ");
}
