import type { Problem, StoreProblem } from "../api.ts";
import { second } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockSeconds, duration, secondsBetween } from "../format.ts";
import { isData, problemWords } from "../problem-words.ts";
import { connection, controller, lock, outdated, problems, storeProblem } from "../state.ts";
import { heldBanner } from "./held-banner.ts";
import { Panel } from "./panel.ts";
import { reservationAct } from "./reservation.ts";

/** The most problems that a banner names; Settings has them all. */
const NAMED = 3;

/** What concerns the whole page: no connection, an old page, configuration problems, the simulated cluster. */
export class PageBanners extends Panel {
  protected render(): Child | undefined {
    if (!controller.value && connection.value.state !== "lost") return undefined;
    return [
      connection.value.state === "lost" && lostBanner(connection.value.since),
      storeProblem.value && storeBanner(storeProblem.value),
      lock.value && heldBanner(lock.value),
      outdated.value &&
        banner("warn", "i-alert", "note", "Spark Control was updated. Reload to see the new version.", {
          button: h("button", { class: "btn", type: "button", "data-act": "reload" }, "Reload"),
        }),
      problems.value.length > 0 && problemBanner(problems.value),
      controller.value?.simulated &&
        banner(
          "sim",
          "i-sim",
          "note",
          [
            h("strong", {}, "This is a simulated cluster."),
            " Two made-up Sparks, so that you can try everything. Nothing here touches a real machine.",
          ],
          { button: h("leave-simulated") },
        ),
    ];
  }

  protected override act(name: string): void {
    if (name === "reload") location.reload();
    reservationAct(name);
  }
}

interface Extras {
  readonly button?: Child;
  readonly key?: string;
}

export function banner(
  kind: string,
  icon: string,
  role: string,
  text: Child,
  { button, key = kind }: Extras = {},
): Child {
  const attributes = { class: "banner", "data-kind": kind, "data-key": key, role };
  return h(
    "div",
    attributes,
    picture(icon),
    h("div", { class: "says" }, text),
    button && h("div", { class: "banner-do" }, button),
  );
}

/** The part that ticks stays out of what is read aloud. */
function lostBanner(since: number): Child {
  return banner(
    "lost",
    "i-cut",
    "alert",
    [
      h("strong", {}, `No connection to Spark Control since ${clockSeconds(since)}.`),
      " What you see may have changed. The model is not affected. Trying again every few seconds.",
      h(
        "span",
        { class: "dim", "aria-hidden": "true" },
        ` This view is ${duration(secondsBetween(since, second.value))} old.`,
      ),
    ],
    { button: h("button", { class: "btn", type: "button", "data-act": "reload" }, "Try now") },
  );
}

function storeBanner({ message, advice, evidence }: StoreProblem): Child {
  return banner("warn", "i-alert", "alert", [h("strong", {}, message), ` ${advice} `, h("code", {}, evidence)], {
    key: "store",
  });
}

function problemBanner(all: readonly Problem[]): Child {
  return banner(
    "warn",
    "i-alert",
    "note",
    [
      h("strong", {}, problemWords(all)),
      h(
        "ul",
        {},
        ...all
          .slice(0, NAMED)
          .map((each) => h("li", {}, h("code", {}, placeOfProblem(each)), ` ${each.message} ${each.instead}`)),
        all.length > NAMED && h("li", {}, `and ${all.length - NAMED} more, in Settings.`),
      ),
    ],
    all.every(isData) ? {} : { button: h("a", { class: "btn", href: "/settings" }, "Open Settings") },
  );
}

export function placeOfProblem({ source, line, path }: Problem): string {
  const file = line === null ? source : `${source}, line ${line}`;
  return path === "" ? `${file}:` : `${file}, ${path}:`;
}
