/** The large dialogs, which no page needs before it is used: they are fetched at the first sign of somebody. */
import { define } from "./define.ts";
import { missed } from "./router.ts";

type Name = "swap-dialog" | "command-palette" | "shortcut-list";

const SIGNS = ["pointermove", "pointerdown", "keydown", "focusin"] as const;

let fetched: Promise<void> | undefined;

/** Has them ready by the time that the pointer has reached a button. */
export function startDialogs(): void {
  const start = () => {
    for (const sign of SIGNS) removeEventListener(sign, start, true);
    fetchDialogs().catch(() => undefined);
  };
  for (const sign of SIGNS) addEventListener(sign, start, { capture: true, passive: true });
}

/** Opens one, once it is there; what cannot be fetched is said. */
export async function openDialog<N extends Name>(
  name: N,
  show: (dialog: HTMLElementTagNameMap[N]) => void,
): Promise<void> {
  try {
    await fetchDialogs();
  } catch {
    await missed("This");
    return;
  }
  const dialog = document.querySelector(name);
  if (dialog) show(dialog);
}

/**
 * @param model key of the catalog
 * @param slot  the one that was clicked; else the first free one with enough Sparks
 */
export function askSwap(model: string, slot?: string): void {
  void openDialog("swap-dialog", (dialog) => dialog.ask(model, slot));
}

function fetchDialogs(): Promise<void> {
  fetched ??= import("./panels/large-dialogs.ts").then(
    ({ LARGE_DIALOGS }) => define(LARGE_DIALOGS),
    (error: unknown) => {
      fetched = undefined;
      throw error;
    },
  );
  return fetched;
}
