import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, joined } from "../format.ts";
import type { Service } from "../services/calls.ts";
import { asSlotsSay, countsOf, namesOf, SUMMARY_ORDER } from "../services/words.ts";
import { connection, nodes, services, slots } from "../state.ts";
import { Panel } from "./panel.ts";
import { servicePill } from "./service-pill.ts";

/** So many fit beside the models; of more, those that are not well come first. */
const MOST_SHOWN = 10;

/** Beside the hero: how each service is. */
export class ServiceStates extends Panel {
  protected render(): Child | undefined {
    if (services.value === null) return undefined;
    const all = asSlotsSay(services.value, slots.value);
    const configured = all.filter(({ state }) => state !== "not_configured");
    const shown = configured.length > MOST_SHOWN ? worstFirst(configured).slice(0, MOST_SHOWN) : configured;
    const more = configured.length - shown.length;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Services"),
        h("span", { class: "dim" }, connection.value.state === "lost" ? "when last seen" : countsOf(configured)),
        h("a", { class: "more", href: "/services", "aria-label": "All services" }, "All", picture("i-chevron")),
      ),
      shown.length === 0
        ? h("p", { class: "pad dim" }, "Nothing runs beside the models.")
        : h("ul", { class: "svc-list" }, ...shown.map(line)),
      more > 0 && h("p", { class: "pad dim" }, `${more} more, none of them worse.`),
    );
  }
}

const worstFirst = (all: readonly Service[]): Service[] =>
  all.toSorted((a, b) => SUMMARY_ORDER.indexOf(a.state) - SUMMARY_ORDER.indexOf(b.state));

/** When a whole Spark is away, each of its services says no more than that: the Spark itself says why. Reads signals. */
function shortReason({ state, node, reason }: Service): string | null {
  const spark = nodes.value.find(({ name }) => name === node);
  return state === "unreachable" && spark?.state === "unreachable" ? `${spark.name} is not reachable.` : reason;
}

function line(service: Service): Child {
  const { name, node, model, state, since } = service;
  const reason = shortReason(service);
  const [title, second] = namesOf(service);
  const time = `since ${clockTime(since, quarterMinute.value)}`;
  // Of one that was not looked at yet the pill says it all.
  const isWell = reason === null || state === "unknown";
  const place = joined(model ?? second, node);
  return h(
    "li",
    { class: isWell ? null : "long", "data-key": name },
    h(
      "div",
      {},
      h("p", {}, title),
      h("p", { class: "dim" }, isWell ? joined(place, time) : `${joined(second, time)}: ${reason}`),
    ),
    servicePill({ state }),
  );
}
