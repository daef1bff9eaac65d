/** Copying, where the clipboard may be used and where it may not: browsers keep it from pages on plain HTTP. */

/** To be called from a click. @returns whether it is in the clipboard */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed here; the older way may be.
    }
  }
  return copyOldWay(text);
}

/** What is selected can be copied without a clipboard API, for a few seconds after a click. */
function copyOldWay(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "vh";
  area.value = text;
  area.readOnly = true;
  // Within a modal dialog, what is outside of it cannot be selected.
  (focused?.closest("dialog") ?? document.body).append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
