import { type Child, h, picture } from "../dom.ts";
import { chooseTheme, THEMES, theme } from "../theme-choice.ts";
import { Menu } from "./menu.ts";

/** Light, dark, or as the system has it. */
export class ThemeMenu extends Menu {
  protected items(): Child {
    return THEMES.map(({ id, label }) =>
      h(
        "button",
        {
          type: "button",
          role: "menuitemradio",
          tabindex: -1,
          "aria-checked": String(theme.value === id),
          "data-choice": id,
        },
        picture("g-done"),
        label,
      ),
    );
  }

  protected choose(choice: string): void {
    const chosen = THEMES.find(({ id }) => id === choice);
    if (chosen) chooseTheme(chosen.id);
  }
}
