/** Looks for what is wrong with a layout without knowing what it should look like. Runs in the page. */
import type { Page } from "playwright-core";

const NARROWEST_DESK = 600;

/** @returns sentences about what does not fit; empty when all is well */
export function layoutFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
      faults.push(`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth} px`);

    const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
    const scope = dialog ?? document.body;
    /** Read aloud but not seen: a box of a pixel that hides the rest, its own or one around it. */
    const isUnseen = (element: Element): boolean => {
      for (let at: Element | null = element; at && at !== scope; at = at.parentElement) {
        const { width, height } = at.getBoundingClientRect();
        if (width <= 1 && height <= 1 && getComputedStyle(at).overflow !== "visible") return true;
      }
      return false;
    };
    const isShown = (element: Element) =>
      element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
      !element.closest(".sprite, noscript") &&
      !isUnseen(element);
    const name = (element: Element) => {
      const text = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
      return `<${element.localName}${element.className && typeof element.className === "string" ? `.${element.className.split(" ")[0]}` : ""}> "${text}"`;
    };
    const scroller = (element: Element | null): Element | null => {
      for (let at = element; at && at !== document.body; at = at.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(at);
        if (/auto|scroll/.test(overflowX + overflowY)) return at;
      }
      return null;
    };
    /** The tooltip of it, or of what it is in, has all of what the dots stand for. */
    const isWholeInTitle = (element: Element) => {
      const text = (element.textContent ?? "").trim().replace(/\s+/g, " ");
      return element.closest<HTMLElement>("[title]")?.title.includes(text) === true;
    };
    const all = [...scope.querySelectorAll("*")].filter(isShown);

    // Text that is cut: more of it than fits, hidden without dots that say so.
    for (const element of all) {
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
      );
      if (!hasText) continue;
      const { overflowX, overflowY, textOverflow, lineHeight, fontSize } = getComputedStyle(element);
      const lines = element.clientHeight / (Number.parseFloat(lineHeight) || Number.parseFloat(fontSize) * 1.4);
      if (lines > 4 && element.clientWidth < 5 * Number.parseFloat(fontSize))
        faults.push(`squeezed into a column of few letters: ${name(element)}`);
      if (/hidden|clip/.test(overflowX) && element.scrollWidth > element.clientWidth + 1) {
        if (textOverflow !== "ellipsis") faults.push(`cut at the side: ${name(element)}`);
        else if (!isWholeInTitle(element)) faults.push(`cut by dots, and nowhere in full: ${name(element)}`);
      }
      if (
        /hidden|clip/.test(overflowY) &&
        element.scrollHeight > element.clientHeight + 2 &&
        getComputedStyle(element).webkitLineClamp === "none" &&
        textOverflow !== "ellipsis"
      )
        faults.push(`cut below: ${name(element)}`);
    }

    // Texts that run over one another, or out of what holds them.
    const texts: { box: DOMRect; of: Element; within: Element | null }[] = [];
    const walker = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const of = node.parentElement;
      if (!of || !node.textContent?.trim() || !isShown(of)) continue;
      // What is scrolled out of view is under something else; a dialog's body is a page of its own, whose texts all count.
      const within = scroller(of);
      if (within && !within.matches("dialog[open] .dlg-body")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const ellipsis = of.closest<HTMLElement>("*");
      const bounds =
        ellipsis && getComputedStyle(ellipsis).overflowX === "hidden" ? ellipsis.getBoundingClientRect() : null;
      for (const box of range.getClientRects()) {
        if (box.width < 1 || box.height < 1) continue;
        const right = bounds ? Math.min(box.right, bounds.right) : box.right;
        const seen = new DOMRect(box.left, box.top, right - box.left, box.height);
        texts.push({ box: seen, of, within });
        if (seen.right > root.clientWidth + 1 || seen.left < -1) faults.push(`out of the window: ${name(of)}`);
      }
    }
    const fixed = (element: Element) => {
      for (let at: Element | null = element; at; at = at.parentElement)
        if (/fixed|sticky/.test(getComputedStyle(at).position)) return true;
      return false;
    };
    const flowing = texts.filter(({ of }) => !fixed(of) || dialog);
    flowing.sort((a, b) => a.box.top - b.box.top);
    for (const [index, one] of flowing.entries()) {
      for (let at = index + 1; at < flowing.length; at++) {
        const other = flowing[at]!;
        const height = Math.min(one.box.bottom, other.box.bottom) - other.box.top;
        if (height <= 0) break;
        if (one.within !== other.within) continue;
        if (one.of === other.of || one.of.contains(other.of) || other.of.contains(one.of)) continue;
        const width = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        if (width > 2 && height > 4) faults.push(`over one another: ${name(one.of)} and ${name(other.of)}`);
      }
    }

    // What can be pressed must be reachable by a finger: nothing lies over its middle.
    for (const element of all.filter((it) => it.matches("button, a[href], input, select, summary"))) {
      if (scroller(element) && !dialog) continue;
      element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
      const box = element.getBoundingClientRect();
      if (box.width < 2 || box.height < 2 || box.top < 0 || box.bottom > innerHeight) continue;
      const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      const label = element.closest("label");
      // A menu is there to lie over the page until it is closed.
      if (hit?.closest("[role=menu]")) continue;
      if (hit && hit !== element && !element.contains(hit) && !hit.contains(element) && !label?.contains(hit))
        faults.push(`covered: ${name(element)} by ${name(hit)}`);
    }
    scrollTo(0, 0);
    return [...new Set(faults)];
  });
}

/** So wide a window, as on the screen that has it: what is as narrow as a phone is touched, with controls for a finger. */
export async function showAt(page: Page, width: number, height: number): Promise<void> {
  await page.setViewportSize({ width, height });
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: width < NARROWEST_DESK });
  await page.waitForFunction(
    (isTouched) => matchMedia("(pointer: coarse)").matches === isTouched,
    width < NARROWEST_DESK,
  );
}

/** Records layout shifts from the first paint on. To be called before the page is opened. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: { value: number; of: string[] }[] = [];
    const note = (entries: PerformanceEntryList) => {
      for (const entry of entries as (PerformanceEntry & {
        value: number;
        hadRecentInput: boolean;
        sources?: { node?: Node; previousRect: DOMRect; currentRect: DOMRect }[];
      })[]) {
        if (entry.hadRecentInput) continue;
        const of = (entry.sources ?? []).map(({ node, previousRect: was, currentRect: is }) => {
          const name = node instanceof Element ? `${node.localName}.${node.className}` : String(node?.nodeName);
          return `${name}: ${was.y} to ${was.bottom}, then ${is.y} to ${is.bottom}`;
        });
        shifts.push({ value: entry.value, of });
      }
    };
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    Object.assign(window, {
      shiftsUntilNow() {
        note(observer.takeRecords());
        return shifts;
      },
    });
  });
}

export interface Shift {
  /** Share of the window, as in Cumulative Layout Shift (https://web.dev/articles/cls). */
  readonly value: number;
  readonly of: readonly string[];
}

/** With those of what was changed just now, which are known once it is painted. */
export const shiftsOf = (page: Page): Promise<Shift[]> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    return (Reflect.get(window, "shiftsUntilNow") as () => Shift[])();
  });
