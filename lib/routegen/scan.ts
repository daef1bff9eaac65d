/** From the files below routes/ to the URLs they serve. Pure: reading the disk and writing the manifest are elsewhere. */

export interface RouteFile {
  /** Relative to routes/, with `/` as separator: `api/swap/[job_id]/index.ts`. */
  readonly file: string;
  /** As the router wants it: `/api/swap/:job_id`; a wildcard is `*`. */
  readonly path: string;
}

/** The tree has no single meaning: two files for one URL, or a name that is no path segment. */
export class RouteTreeError extends Error {
  override readonly name = "RouteTreeError";
}

const LITERAL = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const PARAMETER = /^\[([a-z][a-z0-9_]*)\]$/;
const WILDCARD = /^\[\.\.\.([a-z][a-z0-9_]*)\]$/;

function segmentOf(name: string, isLast: boolean, file: string): string {
  const parameter = PARAMETER.exec(name)?.[1];
  if (parameter) return `:${parameter}`;
  if (WILDCARD.test(name)) {
    if (!isLast) throw new RouteTreeError(`routes/${file}: [...name] can only be the last segment`);
    return "*";
  }
  if (LITERAL.test(name)) return name;
  throw new RouteTreeError(`routes/${file}: "${name}" is neither a name, [parameter] nor [...wildcard]`);
}

/** `index` = the folder, `[name]` = `:name`, `[...name]` = `*`. @throws RouteTreeError */
export function pathOf(file: string): string {
  const names = file.replace(/\.ts$/, "").split("/");
  if (names.at(-1) === "index") names.pop();
  return `/${names.map((name, at) => segmentOf(name, at === names.length - 1, file)).join("/")}`;
}

/** Two paths that differ only in the names of their parameters are one place. */
const placeOf = (path: string) => path.replace(/:[a-z0-9_]+/g, ":");

/** Sorts a literal before a parameter before a wildcard, segment by segment; otherwise by name. */
function byPrecedence(a: RouteFile, b: RouteFile): number {
  const rank = (segment: string) => (segment === "*" ? 2 : segment.startsWith(":") ? 1 : 0);
  const left = a.path.split("/");
  const right = b.path.split("/");
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const one = left[at]!;
    const other = right[at]!;
    if (one !== other) return rank(one) - rank(other) || (one < other ? -1 : 1);
  }
  return left.length - right.length;
}

/**
 * The routes of a tree, literals first.
 * @param files paths relative to routes/; other files than `.ts`, and anything below a leading `_`, are no routes
 * @throws RouteTreeError when two files claim one URL
 */
export function scanRoutes(files: readonly string[]): RouteFile[] {
  const owners = new Map<string, string>();
  const routes = files
    .filter((file) => file.endsWith(".ts") && !file.split("/").some((name) => name.startsWith("_")))
    .map((file) => ({ file, path: pathOf(file) }));
  for (const { file, path } of routes) {
    const owner = owners.get(placeOf(path));
    if (owner) throw new RouteTreeError(`routes/${owner} and routes/${file} both claim ${path}`);
    owners.set(placeOf(path), file);
  }
  return routes.sort(byPrecedence);
}
