/**
 * The pages of the dashboard. A new page is an entry here, its skeleton in `pages/<id>.html`, and its elements in
 * `pages/<id>.ts`: the rail, the addresses that the controller serves, the palette, the shortcuts and the tests follow this list.
 */
export interface Page {
  readonly id: string;
  /** With `:id` where an identifier stands. */
  readonly path: string;
  readonly title: string;
  /** In the rail and the palette; null for a page that is only reached from another. */
  readonly rail: {
    /** A symbol of index.html. */
    readonly icon: string;
    /** The letter after `g`. */
    readonly key: string;
    /** Within the bottom bar of a phone; the others are behind "More". */
    readonly onPhone: boolean;
  } | null;
  /** The entry of the rail that stands for it, when it is not its own. */
  readonly within?: string;
}

export const PAGES = [
  { id: "overview", path: "/", title: "Overview", rail: { icon: "i-overview", key: "o", onPhone: true } },
  { id: "models", path: "/models", title: "Models", rail: { icon: "i-models", key: "m", onPhone: true } },
  { id: "services", path: "/services", title: "Services", rail: { icon: "i-services", key: "v", onPhone: true } },
  { id: "machines", path: "/machines", title: "Machines", rail: { icon: "i-machines", key: "c", onPhone: true } },
  {
    id: "automation",
    path: "/automation",
    title: "Automation",
    rail: { icon: "i-automation", key: "u", onPhone: false },
  },
  { id: "activity", path: "/activity", title: "Activity", rail: { icon: "i-activity", key: "a", onPhone: false } },
  { id: "swap", path: "/activity/:id", title: "Swap", rail: null, within: "activity" },
  {
    id: "playground",
    path: "/playground",
    title: "Playground",
    rail: { icon: "i-playground", key: "p", onPhone: false },
  },
  { id: "settings", path: "/settings", title: "Settings", rail: { icon: "i-settings", key: "s", onPhone: false } },
] as const satisfies readonly Page[];

/** Shown under any other address. */
export const NOT_FOUND: Page = { id: "not-found", path: "*", title: "No such page", rail: null };

/** The most entries that the bottom bar of a phone has room for. */
export const PHONE_PAGES = 5;

export interface Place {
  readonly page: Page;
  /** What stands for `:id`. */
  readonly id: string | null;
}

/** @param path of a URL, percent-encoded */
export function placeOf(path: string): Place {
  const segments = split(path);
  for (const page of PAGES as readonly Page[]) {
    const wanted = split(page.path);
    if (wanted.length !== segments.length) continue;
    if (!wanted.every((segment, at) => segment.startsWith(":") || segment === segments[at])) continue;
    const at = wanted.findIndex((segment) => segment.startsWith(":"));
    return { page, id: at < 0 ? null : decoded(segments[at] ?? "") };
  }
  return { page: NOT_FOUND, id: null };
}

const split = (path: string) => path.split("/").filter((segment) => segment !== "");

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
