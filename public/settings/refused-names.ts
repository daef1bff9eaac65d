/** Names under which someone tried to open the dashboard, and allowing them. Reads signals. */
import type { RefusedHost } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, plural } from "../format.ts";
import { allowedHosts, outcome, placeId } from "./desk.ts";

/** @param refused null: not known yet. @param allowedLast the one that was allowed last on this page */
export function refusedNames(refused: readonly RefusedHost[] | null, allowedLast: string | null): Child {
  if (refused === null) return h("p", { class: "dim" }, "–");
  const allowed = new Set(allowedHosts().map((each) => each.toLowerCase()));
  if (refused.length === 0) return h("p", { class: "dim" }, "None since Spark Control started.");
  return [
    h(
      "ul",
      { class: "plain" },
      ...refused.map(({ name, last_at: at, count }) =>
        h(
          "li",
          { "data-key": name },
          h(
            "p",
            { class: "acts" },
            h("code", {}, name),
            h("span", { class: "dim" }, `${plural(count, "time")}, last at ${clockTime(at, quarterMinute.value)}`),
            allowed.has(name.toLowerCase())
              ? h("span", { class: "tag" }, "allowed now")
              : h(
                  "button",
                  {
                    class: "btn sm",
                    type: "button",
                    "data-act": "allow",
                    "data-name": name,
                    "aria-label": `Allow ${name}`,
                  },
                  "Allow",
                ),
          ),
        ),
      ),
    ),
    allowing(allowedLast),
    h("p", { class: "dim" }, "Allow only names that are yours: a web page under such a name may call Spark Control."),
  ];
}

/** What became of allowing a name. */
function allowing(name: string | null): Child {
  const last = outcome.value;
  if (last === null || name === null || placeId(last.place) !== "/allowed_hosts") return null;
  if (last.kind === "refused")
    return h("p", { class: "setting-wrong", role: "alert" }, picture("g-bad"), h("span", {}, last.message));
  return h(
    "p",
    { class: "setting-saved", role: "status" },
    picture("g-ok"),
    last.kind === "undone"
      ? h("span", {}, `${name} is refused again.`)
      : [
          h("span", {}, `Saved. ${name} is allowed now.`),
          h("button", { class: "link", type: "button", "data-act": "undo" }, "Undo"),
        ],
  );
}
