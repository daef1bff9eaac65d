/**
 * A scrolling list that has elements only for the lines in view. Lines may be appended, prepended and dropped; what is
 * looked at stays where it is, or the end stays in view when it is followed.
 */
import { h } from "../dom.ts";
import { clockSeconds } from "../format.ts";
import type { LogLine } from "./line-buffer.ts";
import { levelOf } from "./line-level.ts";
import { pieces } from "./line-search.ts";
import { RowTable, rowsOf } from "./row-table.ts";

/** Rows beyond the view that have elements too, so that a turn of the wheel finds them there. */
const MARGIN_ROWS = 12;
/** Less than this away still counts as being at the end. */
const END_ROWS = 1.5;
/** Few enough to fit into one row of any width. */
const PROBE_CHARACTERS = 10;

export interface Highlight {
  /** In lower case; empty without a search. */
  readonly query: string;
  /** Number of the line that is being looked at. */
  readonly current: number | null;
}

export class LineList {
  /** The scrolling element: focusable, so that the keys scroll it. */
  readonly element: HTMLElement;
  #view = h("div", { class: "log-view" });
  #height = h("div", { class: "log-height" }, this.#view);
  #probe = h("p", { class: "log-probe", "aria-hidden": "true" });
  #lines: readonly LogLine[] = [];
  #table = new RowTable();
  #highlight: Highlight = { query: "", current: null };
  #columns = 80;
  #rowPx = 21;
  #isFollowing = true;
  #resizes = new ResizeObserver(() => this.#measure());

  /** @param onFollow called when scrolling has ended or begun the following of the end */
  constructor(private readonly onFollow: (isFollowing: boolean) => void) {
    this.element = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: 0 }, this.#height, this.#probe);
    this.#probe.append(h("time"), h("span", { class: "log-source" }), h("code", {}, "0".repeat(PROBE_CHARACTERS)));
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  set label(text: string) {
    this.element.ariaLabel = text;
  }

  connect(): void {
    this.#resizes.observe(this.element);
    document.fonts.ready.then(() => this.#measure());
  }

  disconnect(): void {
    this.#resizes.disconnect();
  }

  /** Whether the end stays in view. Setting it to true goes there. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  set isFollowing(value: boolean) {
    this.#isFollowing = value;
    if (value) this.#toEnd();
  }

  /** Number of the first line in view; 1 when there is none. */
  get firstInView(): number {
    return this.#lines[this.#table.at(this.element.scrollTop / this.#rowPx)]?.seq ?? 1;
  }

  /** @param lines an unbroken stretch; of the former ones those in it must be the same */
  show(lines: readonly LogLine[]): void {
    const anchor = this.#anchor();
    const [before, after] = [this.#lines[0]?.seq ?? 0, lines[0]?.seq ?? 0];
    const dropped = after - before;
    if (this.#lines.length > 0 && dropped >= 0 && dropped < this.#lines.length) {
      this.#table.dropFirst(dropped);
      this.#table.append(lines.slice(this.#table.length).map(({ line }) => rowsOf(line, this.#columns)));
      this.#lines = lines;
    } else {
      this.#lines = lines;
      this.#count();
    }
    this.#place(anchor);
  }

  set highlight(value: Highlight) {
    this.#highlight = value;
    this.#view.replaceChildren();
    this.#render();
  }

  /** Brings a line to the middle of the view and lets go of the end. */
  reveal(seq: number): void {
    const index = seq - (this.#lines[0]?.seq ?? seq);
    this.#isFollowing = false;
    const middle = (this.element.clientHeight / this.#rowPx - this.#table.rows(index)) / 2;
    this.element.scrollTop = (this.#table.above(index) - middle) * this.#rowPx;
    this.#render();
  }

  #count(): void {
    this.#table.replace(this.#lines.map(({ line }) => rowsOf(line, this.#columns)));
  }

  /** How many characters fit, and how high a row is: after a change of width, of the text size, of the font. */
  #measure(): void {
    const code = this.#probe.lastElementChild;
    if (!(code instanceof HTMLElement) || this.element.clientHeight === 0) return;
    const text = document.createRange();
    text.selectNodeContents(code);
    const character = text.getBoundingClientRect().width / PROBE_CHARACTERS;
    const row = Number.parseFloat(getComputedStyle(this.#probe).lineHeight);
    const columns = Math.max(1, Math.floor(code.getBoundingClientRect().width / character + 0.01));
    if (!Number.isFinite(columns) || !Number.isFinite(row) || row <= 0) return;
    const anchor = this.#anchor();
    if (columns !== this.#columns || row !== this.#rowPx) {
      this.#columns = columns;
      this.#rowPx = row;
      this.#count();
      this.#view.replaceChildren();
    }
    this.#place(anchor);
  }

  /** What is at the top of the view: a line, and how far it is scrolled out. */
  #anchor(): { readonly seq: number; readonly offsetPx: number } {
    const index = this.#table.at(this.element.scrollTop / this.#rowPx);
    const offsetPx = this.element.scrollTop - this.#table.above(index) * this.#rowPx;
    return { seq: this.#lines[index]?.seq ?? 0, offsetPx };
  }

  #place(anchor: { readonly seq: number; readonly offsetPx: number }): void {
    this.#setHeight();
    if (this.#isFollowing) this.#toEnd();
    else {
      const index = anchor.seq - (this.#lines[0]?.seq ?? 0);
      // A line that was dropped: the first that is still there.
      this.element.scrollTop = index < 0 ? 0 : this.#table.above(index) * this.#rowPx + anchor.offsetPx;
      this.#render();
    }
  }

  #setHeight(): void {
    this.#height.style.height = `${this.#table.total * this.#rowPx}px`;
  }

  #toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.#render();
    // What came into view may have turned out higher than it was counted.
    this.element.scrollTop = this.element.scrollHeight;
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < END_ROWS * this.#rowPx;
    this.#render();
    if (isAtEnd === this.#isFollowing) return;
    this.#isFollowing = isAtEnd;
    this.onFollow(isAtEnd);
  }

  #render(): void {
    const { scrollTop, clientHeight } = this.element;
    const firstRow = scrollTop / this.#rowPx;
    const from = this.#table.at(Math.max(0, firstRow - MARGIN_ROWS));
    const to = Math.min(this.#lines.length, this.#table.at(firstRow + clientHeight / this.#rowPx + MARGIN_ROWS) + 1);
    this.#fill(from, to);
    this.#view.style.transform = `translateY(${this.#table.above(from) * this.#rowPx}px)`;
    if (this.#correct(from)) this.#setHeight();
  }

  /** Makes the view hold the lines of these places; what is there already is kept, so that a selection survives. */
  #fill(from: number, to: number): void {
    const view = this.#view;
    const base = this.#lines[0]?.seq ?? 0;
    const placeOf = (element: Element | null) => Number(element?.getAttribute("data-seq")) - base;
    while (view.firstElementChild && placeOf(view.firstElementChild) < from) view.firstElementChild.remove();
    while (view.lastElementChild && placeOf(view.lastElementChild) >= to) view.lastElementChild.remove();
    const wanted = (start: number, end: number) => this.#lines.slice(start, end).map((line) => this.#element(line));
    if (view.firstElementChild) {
      view.prepend(...wanted(from, placeOf(view.firstElementChild)));
      view.append(...wanted(placeOf(view.lastElementChild) + 1, to));
    } else view.append(...wanted(from, to));
  }

  /** Believes the browser about the lines that it has laid out. @returns whether one was off */
  #correct(from: number): boolean {
    let isOff = false;
    [...this.#view.children].forEach((element, index) => {
      const rows = Math.max(1, Math.round((element as HTMLElement).offsetHeight / this.#rowPx));
      if (element.clientHeight > 0 && this.#table.correct(from + index, rows) !== 0) isOff = true;
    });
    return isOff;
  }

  #element({ seq, at, source, line }: LogLine): HTMLElement {
    const { query, current } = this.#highlight;
    const parts = pieces(line, query).map(({ text, isMatch }) => (isMatch ? h("mark", {}, text) : text));
    return h(
      "p",
      {
        "data-seq": seq,
        "data-source": source === "controller" ? "controller" : null,
        "data-level": levelOf(line),
        "aria-current": seq === current ? "true" : null,
      },
      h("time", { datetime: at }, clockSeconds(at)),
      h("span", { class: "log-source", title: source }, source),
      h("code", {}, parts),
    );
  }
}
