/** What a page needs beside the frame: its script, loaded when it is first opened. */
const loaded = new Map<Element, Promise<unknown>>();
const ready = new WeakSet<Element>();

/** Whether the page can be shown at once. */
export const isReady = (view: Element): boolean => ready.has(view);

/**
 * Loads what the view's `data-script` names.
 * @throws TypeError when it cannot be fetched; the next call tries again
 */
export function loadPage(view: HTMLElement): Promise<unknown> {
  const known = loaded.get(view);
  if (known) return known;
  const { script = "" } = view.dataset;
  const work: Promise<unknown> = import(script);
  loaded.set(view, work);
  work.then(
    () => ready.add(view),
    () => loaded.delete(view),
  );
  return work;
}
