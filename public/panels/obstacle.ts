/** Why nothing can be swapped now, beside the buttons that it keeps from being pressed. */
import { type Child, h, picture } from "../dom.ts";
import type { Obstacle } from "../state.ts";

/** @param id that the buttons are described by */
export const whyNot = ({ reason, tone }: Obstacle, id: string): Child =>
  h("p", { class: "why", id, "data-key": "why", "data-tone": tone }, picture(`g-${tone}`), reason);
