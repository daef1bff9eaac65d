import { CommandPalette } from "./command-palette.ts";
import { ShortcutList } from "./shortcut-list.ts";
import { SwapDialog } from "./swap-dialog.ts";

export const LARGE_DIALOGS = {
  "swap-dialog": SwapDialog,
  "command-palette": CommandPalette,
  "shortcut-list": ShortcutList,
};
