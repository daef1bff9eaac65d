/** What a page needs beside the frame: its script and its styles, loaded when it is first opened. */
const loaded = new Map<Element, Promise<unknown>>();
const ready = new WeakSet<Element>();

/** Whether the page can be shown at once. */
export const isReady = (view: Element): boolean => ready.has(view);

/**
 * Loads what the view's `data-script` and `data-styles` name.
 * @throws TypeError when something of it cannot be fetched; the next call tries again
 */
export function loadPage(view: HTMLElement): Promise<unknown> {
  const known = loaded.get(view);
  if (known) return known;
  const { script = "", styles = "" } = view.dataset;
  const urls = styles.split(" ").filter((url) => url !== "");
  const work = Promise.all([import(script), ...urls.map(loadStyle)]);
  loaded.set(view, work);
  work.then(
    () => ready.add(view),
    () => loaded.delete(view),
  );
  return work;
}

function loadStyle(url: string): Promise<void> | undefined {
  if (document.querySelector(`link[rel=stylesheet][href="${url}"]`)) return undefined;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = url;
  return new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new TypeError(`${url} cannot be fetched`));
    };
    document.head.append(link);
  });
}
