/** The reservation, for everyone: who, until when, why, what is paused and what is not. Reads signals. */
import type { Lock } from "../api.ts";
import { second } from "../clock.ts";
import { type Child, h, picture, withProperties } from "../dom.ts";
import { clockTime, duration, listed, secondsBetween, waitingWords } from "../format.ts";
import { coveredSlots } from "../reserved-slots.ts";
import { connection, ownToken, secondsLeft, slots, waiting } from "../state.ts";

const MINUTE = 60;

export function heldBanner(held: Lock): Child {
  const now = second.value;
  const until = clockTime(held.expires_at, now);
  const mine = ownToken() !== null;
  const whole = secondsBetween(held.acquired_at, held.expires_at);
  const left = secondsLeft(held);
  const covered = coveredSlots(held, slots.value);
  const where =
    held.slots === null
      ? ""
      : ` in ${covered.length > 1 ? "slots" : "slot"} ${listed(covered.length > 0 ? covered : held.slots)}`;
  const lost = connection.value.state === "lost";
  const button = (act: string, word: string) =>
    h("button", { class: "btn", type: "button", "data-act": act, disabled: lost }, word);
  return h(
    "section",
    { class: "banner", "data-kind": "held", "data-key": "held", "aria-labelledby": "held-h" },
    picture("i-lock"),
    h(
      "div",
      { class: "held" },
      h(
        "h2",
        { id: "held-h" },
        mine ? `Reserved by you, as ${held.holder}, until ${until}` : `Reserved by ${held.holder} until ${until}`,
      ),
      h(
        "p",
        {},
        held.note ? `“${held.note}” ` : "",
        held.reason ? `${held.reason} ` : "",
        mine
          ? `Nobody else can swap${where}. This tab can, and it can give the GPUs back.`
          : `Swaps, restarts and stops of the model${where} are paused. Everything that is running keeps answering.`,
        waiting.value > 0 && ` ${waitingWords(waiting.value)}`,
      ),
    ),
    h(
      "div",
      { class: "held-left" },
      h("p", {}, h("b", {}, duration(left < MINUTE ? left : Math.floor(left / MINUTE) * MINUTE)), " left"),
      h(
        "div",
        { class: "held-bar", "aria-hidden": "true" },
        withProperties(h("i"), { "--part": whole > 0 ? 1 - left / whole : 1 }),
      ),
      h("p", { class: "dim" }, `since ${clockTime(held.acquired_at, now)}`),
    ),
    h(
      "div",
      { class: "banner-do" },
      mine
        ? [button("extend", "One hour from now"), button("give-back", "Release")]
        : button("force", "Release anyway…"),
    ),
  );
}
