/** The figures of a hero: how it answers now, and what an app needs to know of it. Reads signals. */
import type { Slot } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { FIGURES_OF_MINUTES, slotFigures } from "../slot-figures.ts";

const RECENT = `last ${FIGURES_OF_MINUTES} min`;

export function slotStats(slot: Slot, lost: boolean): Child {
  const requests = lost ? null : slot.requests;
  const figures = lost || slot.state !== "serving" ? null : (slotFigures.value[slot.name] ?? null);
  const why = lost ? "not known now" : slot.state === "idle" ? "no model" : "not reported";
  const none =
    figures === null ? why : figures.answered === 0 ? `no answer, ${RECENT}` : "told for streamed answers only";
  return h(
    "dl",
    { class: "stats", "data-key": "stats" },
    stat("Requests now", requests?.running ?? null, "", requests === null ? why : `${requests.waiting} waiting`),
    stat(
      "First word after",
      figures && figures.firstWordMs !== null ? secondsText(figures.firstWordMs) : null,
      "s",
      figures?.firstWordMs == null ? none : `typical, ${RECENT}`,
    ),
    stat(
      "Writing speed",
      figures && figures.tokensPerSecond !== null ? Math.round(figures.tokensPerSecond) : null,
      "tokens/s",
      figures?.tokensPerSecond == null ? none : "per answer",
    ),
    stat(
      "Answered",
      figures && figures.answered + figures.failed > 0 ? answered(figures) : null,
      "",
      figures === null
        ? why
        : figures.answered + figures.failed === 0
          ? `no request, ${RECENT}`
          : `${figures.failed === 0 ? "none" : figures.failed} failed, ${RECENT}`,
    ),
    copyable(
      "Address for apps",
      `${location.origin}/v1`,
      slot.url && ["the same after each swap; ", slot.nodes[0], " itself: ", h("code", {}, slot.url)],
    ),
    copyable(
      "Model name for apps",
      slot.served_ids.join(", ") || null,
      slot.served_ids.length === 0 && "no model answers",
    ),
  );
}

const answered = ({ answered: count, isPart }: { readonly answered: number; readonly isPart: boolean }): string =>
  `${count.toLocaleString("en-GB")}${isPart ? "+" : ""}`;

/** "0.42", "14"; never a zero. */
function secondsText(ms: number): string {
  if (ms < 10) return "< 0.01";
  return ms < 10_000 ? (ms / 1_000).toFixed(2) : String(Math.round(ms / 1_000));
}

function stat(name: string, value: number | string | null, unit: string, sub: string): Child {
  return h(
    "div",
    { class: "stat", "data-key": name },
    h("dt", {}, name),
    h(
      "dd",
      {},
      h(
        "span",
        { class: "fig" },
        h("b", {}, value ?? "–"),
        value !== null && unit !== "" && h("span", { class: "unit" }, ` ${unit}`),
      ),
      h("span", { class: "sub" }, sub),
    ),
  );
}

/** @param sub below it; without a text, why there is none */
function copyable(name: string, text: string | null, sub: Child): Child {
  return h(
    "div",
    { class: "stat wide" },
    h("dt", {}, name),
    h(
      "dd",
      {},
      text === null
        ? h("span", { class: "fig-row" }, "–")
        : h(
            "span",
            { class: "fig-row" },
            h("code", {}, text),
            h(
              "button",
              {
                class: "btn sm icon-only",
                type: "button",
                "data-act": "copy",
                "data-text": text,
                "aria-label": `Copy the ${name.toLowerCase()}`,
              },
              picture("i-copy"),
            ),
          ),
      sub && h("span", { class: "sub" }, sub),
    ),
  );
}
