/** One HTML file a page: the frame of index.html with that page's skeleton shown, its title and its place in the rail. */
import { NOT_FOUND, PAGES, type Page, PHONE_PAGES } from "./pages.ts";

export const ALL_PAGES: readonly Page[] = [...PAGES, NOT_FOUND];

/** What `pages/<id>.html` says: what the page loads, and how it looks before that. */
export interface Fragment {
  /** Relative to public/. Null: the frame's own does. */
  readonly script: string | null;
  readonly skeleton: string;
}

/** The built files of a page, by name. */
export interface Loads {
  readonly script: string;
  /** What the script imports, so that it need not be read first. */
  readonly parts: readonly string[];
}

export interface PageFile {
  /** As the router has it; `*` for what has no page. */
  readonly path: string;
  readonly name: string;
  readonly html: string;
}

/** @param html that begins with the page's script */
export function fragmentOf(html: string): Fragment {
  let script: string | null = null;
  const skeleton = new HTMLRewriter()
    .on("script[src]", {
      element(element) {
        script = element.getAttribute("src");
        element.remove();
      },
    })
    .transform(html);
  return { script, skeleton: skeleton.trim() };
}

/**
 * @param frame    index.html with the names of the built files
 * @param skeleton of each page, by id
 * @param loads    of each page, by id
 */
export function pageFiles(frame: string, skeleton: (id: string) => string, loads: (id: string) => Loads): PageFile[] {
  const views = ALL_PAGES.map(({ id }) => ({ id, html: skeleton(id), ...loads(id) }));
  return ALL_PAGES.map((page) => {
    const html = new HTMLRewriter()
      .on("title", { element: (title) => void title.setInnerContent(`${page.title} · Spark Control`) })
      .on("#page-title", { element: (heading) => void heading.setInnerContent(page.title) })
      .on("[data-rail]", { element: (list) => void list.setInnerContent(railOf(page), { html: true }) })
      .on("head", { element: (head) => void head.append(tagsOf(loads(page.id)), { html: true }) })
      .on("[data-views]", {
        element(place) {
          for (const { id, html, script } of views) {
            const hidden = id === page.id ? "" : " hidden";
            const tag = `<div class="view" data-page="${id}" data-script="/${script}"${hidden}>`;
            place.before(`${tag}${html}</div>`, { html: true });
          }
          place.remove();
        },
      })
      .transform(frame);
    return { path: page.path, name: page.id === "overview" ? "index.html" : `page-${page.id}.html`, html };
  });
}

function tagsOf({ script, parts }: Loads): string {
  return [
    ...parts.map((name) => `<link rel="modulepreload" href="/${name}">`),
    `<script type="module" src="/${script}"></script>`,
  ].join("\n    ");
}

/** On a phone, what has no room in the bottom bar is in a sheet. @param behind ids of those pages */
function moreOf(behind: readonly string[], own: string): string {
  const here = behind.includes(own) ? ' aria-current="true"' : "";
  return `<li class="only-phone"><button type="button" data-open="more" data-nav="${behind.join(" ")}" aria-haspopup="dialog"${here}><svg class="icon" aria-hidden="true"><use href="#i-dots"/></svg><span>More</span></button></li>`;
}

function railOf(current: Page): string {
  const shown = ALL_PAGES.flatMap(({ rail, ...page }) => (rail ? [{ ...page, rail }] : []));
  const onPhone = shown.filter(({ rail }) => rail.onPhone);
  const most = onPhone.length < shown.length ? PHONE_PAGES - 1 : PHONE_PAGES;
  if (onPhone.length > most) throw new Error(`The bottom bar has room for ${PHONE_PAGES} pages.`);
  const own = current.within ?? current.id;
  const entries = shown
    .map(({ id, path, title, rail }) => {
      const here = id === own ? ' aria-current="page"' : "";
      const use = `<svg class="icon" aria-hidden="true"><use href="#${rail.icon}"/></svg>`;
      return `<li${rail.onPhone ? "" : ' class="not-phone"'}><a href="${path}" data-nav="${id}"${here}>${use}<span>${title}</span></a></li>`;
    })
    .join("");
  const behind = shown.filter(({ rail }) => !rail.onPhone).map(({ id }) => id);
  return behind.length === 0 ? entries : entries + moreOf(behind, own);
}
