/** The figures of a hero: how it answers now, and what an app needs to know of it. Reads signals. */
import type { Slot, Traffic } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { grouped } from "../format.ts";
import { sparkline } from "../machines/sparkline.ts";
import { slotTraffic } from "../slot-traffic.ts";

type Hour = keyof Omit<Traffic["last_hour"], "step_seconds">;

const RECENT = "last 15\u00a0min";

export function slotStats(slot: Slot, lost: boolean): Child {
  const requests = lost ? null : slot.requests;
  const traffic = lost || slot.state !== "serving" ? null : (slotTraffic.value[slot.name] ?? null);
  const why = lost ? "not known now" : slot.state === "idle" ? "no model" : "not reported";
  const none = traffic ? "not measured lately" : why;
  const firstWord = traffic?.first_token_ms ?? null;
  const speed = traffic?.tokens_per_second ?? null;
  return h(
    "dl",
    { class: "stats", "data-key": "stats" },
    stat("Requests now", requests?.running ?? null, "", requests === null ? why : `${requests.waiting} waiting`),
    stat(
      "First word after",
      firstWord === null ? null : timeText(firstWord)[0],
      firstWord === null ? "" : timeText(firstWord)[1],
      firstWord === null ? none : `typical, ${RECENT}`,
      hour(traffic, "first_token_ms", "First word", (ms) => timeText(ms).join(" ")),
    ),
    stat(
      "Writing speed",
      speed === null ? null : speedText(speed),
      "tokens/s",
      speed === null ? none : "per answer",
      hour(traffic, "tokens_per_second", "Writing speed", (value) => `${speedText(value)} tokens/s`),
    ),
    stat(
      "Answered today",
      traffic ? grouped(traffic.answered) : null,
      "",
      traffic ? `${traffic.failed === 0 ? "none" : grouped(traffic.failed)} failed` : why,
      hour(traffic, "answered", "Answers in five minutes", String),
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

/** A figure and its unit. */
function timeText(ms: number): readonly [string, string] {
  if (ms < 100) return [String(Math.round(ms)), "ms"];
  return [ms < 10_000 ? (ms / 1_000).toFixed(2) : String(Math.round(ms / 1_000)), "s"];
}
const speedText = (speed: number): string => (speed < 10 ? speed.toFixed(1) : String(Math.round(speed)));

/** The last hour as a line; nothing where there is nothing to show. */
function hour(traffic: Traffic | null, figure: Hour, name: string, shown: (value: number) => string): Child {
  const values = traffic?.last_hour[figure] ?? [];
  const known = values.filter((value): value is number => value !== null);
  if (!known.some((value) => value > 0)) return null;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const label = `${name} in the last hour: from ${shown(least)} to ${shown(most)}`;
  return sparkline({ values, most, label });
}

function stat(name: string, value: number | string | null, unit: string, sub: string, line: Child = null): Child {
  return h(
    "div",
    { class: "stat", "data-key": name },
    h("dt", {}, name),
    h(
      "dd",
      { class: "told" },
      h(
        "span",
        { class: "fig" },
        h("b", {}, value ?? "–"),
        value !== null && unit !== "" && h("span", { class: "unit" }, ` ${unit}`),
      ),
      h("span", { class: "sub" }, sub),
      line,
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
