/** One service of the list: how it is, why, and what can be done with it. Reads signals. */
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, duration, joined, secondsBetween } from "../format.ts";
import type { BotUpdate, Service, ServiceAction } from "../services/calls.ts";
import { ACTION_WORDS, DEEP_OUTCOMES, namesOf, stepState, UPDATE_STATES, UPDATE_STEPS } from "../services/words.ts";
import { connection, isReservedForAnother, lock } from "../state.ts";
import { byWhom } from "../words.ts";
import { pill } from "./pill.ts";
import { servicePill } from "./service-pill.ts";

const ACTIONS: readonly ServiceAction[] = ["start", "stop", "restart"];
const NO_CONNECTION = "No connection, so nothing can be done.";

export interface Shown {
  /** Its details are shown. */
  readonly isOpen: boolean;
  /** Why its log cannot be shown; null when it can. */
  readonly noLog: string | null;
  readonly update: BotUpdate | undefined;
  /** The last lines of its output. */
  readonly output: readonly string[];
}

export function serviceRow(service: Service, shown: Shown): Child {
  const { name, since, state, reason, node, operation } = service;
  const [title, second] = namesOf(service);
  const givenUp = service.auto_restart.given_up;
  const now = quarterMinute.value;
  const doing = operation ? ACTION_WORDS[operation.action][1] : null;
  // Of one that was not looked at yet the pill says it all.
  const why = [...new Set([state === "unknown" ? null : reason, givenUp])].filter((each) => each !== null);
  return h(
    "li",
    { "data-key": name, class: "service" },
    h(
      "div",
      {},
      h("b", {}, title),
      h("span", { class: "dim" }, joined(second, node, service.model && `model ${service.model}`)),
    ),
    h(
      "div",
      { class: "service-state" },
      doing ? pill("move", doing) : servicePill(service),
      h("span", { class: "dim" }, `since ${clockTime(operation?.since ?? since, now)}`),
    ),
    why.length > 0 && h("p", { class: "service-why dim", "data-key": "why" }, why.join(" ")),
    h(
      "div",
      { class: "acts" },
      ...ACTIONS.filter((action) => isOffered(service, action)).map((action) => button(service, action)),
      h(
        "button",
        {
          class: "btn sm",
          type: "button",
          "data-act": "more",
          "data-name": name,
          "aria-expanded": String(shown.isOpen),
          "aria-label": `Details of ${name}`,
        },
        "Details",
        picture("i-down"),
      ),
    ),
    shown.isOpen && details(service, shown, now),
  );
}

const NOT_SEEN: ReadonlySet<Service["state"]> = new Set(["unreachable", "unknown"]);
const ENDED: ReadonlySet<string> = new Set(["exited", "dead", "created"]);

/** What is so already is not offered: a start of what runs, a stop of what does not. */
function isOffered({ state, container, not_possible }: Service, action: ServiceAction): boolean {
  if (action === "stop" && container !== null && ENDED.has(container.status)) return false;
  if (state === "not_configured") return not_possible[action] === null;
  const isDown = state === "stopped";
  return action === "start" ? isDown : !isDown;
}

function whyNot(service: Service, action: ServiceAction | "update"): string | null {
  if (connection.value.state === "lost") return NO_CONNECTION;
  const held = lock.value;
  if (service.is_slot && held && isReservedForAnother(service.name))
    return `Paused until ${clockTime(held.expires_at, quarterMinute.value)}, reserved by ${held.holder}.`;
  return service.not_possible[action];
}

function button(service: Service, action: ServiceAction): Child {
  const why = whyNot(service, action);
  const [word] = ACTION_WORDS[action];
  const id = `no-${action}-${service.name}`;
  return [
    h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": action,
        "data-name": service.name,
        disabled: why !== null || service.operation !== null,
        title: why,
        "aria-describedby": why === null ? null : id,
        "aria-label": `${word} ${service.name}`,
      },
      `${word}…`,
    ),
    why !== null && h("span", { class: "vh", id }, why),
  ];
}

function details(service: Service, { noLog, update, output }: Shown, now: number): Child {
  const { name, url, container, deep_check: deep, auto_restart: auto } = service;
  const offered = ACTIONS.filter((action) => isOffered(service, action));
  // What stands beside the state already is not said again.
  const noActions = [...new Set(offered.flatMap((action) => whyNot(service, action) ?? []))].filter(
    (why) => why !== service.reason,
  );
  return h(
    "div",
    { class: "service-more", "data-key": "more", role: "group", "aria-label": `Details of ${name}` },
    h(
      "dl",
      { class: "service-facts" },
      url !== null && fact("Address", address(name, url)),
      fact(
        "Container",
        container === null
          ? NOT_SEEN.has(service.state)
            ? "not known now"
            : "none"
          : [h("code", {}, container.name), ` ${joined(container.status, container.image ?? undefined)}`],
      ),
      // A bot has nothing that could be asked.
      service.kind !== "bot" && [
        fact("Answered in", service.response_ms === null ? "no answer yet" : `${service.response_ms} ms`),
        fact(
          "Real work",
          deep === null
            ? "not checked yet"
            : [pill(...DEEP_OUTCOMES[deep.outcome]), ` ${clockTime(deep.at, now)}. ${deep.detail}`],
        ),
      ],
      fact(
        "Restarts by itself",
        auto.enabled ? `${auto.recent} of ${auto.most} within the last 30 minutes` : "switched off",
      ),
    ),
    noActions.length > 0 && h("p", { class: "dim" }, noActions.join(" ")),
    h(
      "div",
      { class: "acts" },
      service.kind !== "bot" &&
        h(
          "button",
          {
            class: "btn sm",
            type: "button",
            "data-act": "check",
            "data-name": name,
            "aria-label": `Check now: ${name}`,
          },
          "Check now",
        ),
      service.kind === "bot" && updateButton(service, update),
    ),
    update !== undefined && updateOf(update, output, now),
    noLog === null
      ? h("service-log", { class: "whole-log", "data-key": `log ${name}`, "data-service": name })
      : noLog !== service.reason && !noActions.includes(noLog) && h("p", { class: "dim" }, noLog),
  );
}

const address = (name: string, url: string): Child =>
  h(
    "div",
    { class: "keyline" },
    h("code", {}, url),
    h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": "copy",
        "data-name": name,
        "aria-label": `Copy: address of ${name}`,
      },
      picture("i-copy"),
      "Copy",
    ),
  );

const fact = (name: string, value: Child): Child => [h("dt", {}, name), h("dd", {}, value)];

function updateButton(service: Service, update: BotUpdate | undefined): Child {
  const { name } = service;
  if (update?.state === "running")
    return h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": "cancel-update",
        "data-name": name,
        "aria-label": `Cancel the update of ${name}`,
      },
      "Cancel the update",
    );
  const why = whyNot(service, "update");
  return h(
    "button",
    {
      class: "btn sm",
      type: "button",
      "data-act": "update",
      "data-name": name,
      disabled: why !== null,
      title: why,
      "aria-label": `Update ${name}`,
    },
    "Update…",
  );
}

function updateOf(
  { service, state, steps, reason, by, started_at: begun, ended_at: ended }: BotUpdate,
  output: readonly string[],
  now: number,
): Child {
  const when =
    ended === null
      ? `begun ${clockTime(begun, now)}`
      : `${clockTime(ended, now)}, after ${duration(secondsBetween(begun, ended))}`;
  const failed = steps.find((step) => step.state === "failed");
  return h(
    "div",
    { "data-key": "update", class: "update" },
    h("p", {}, pill(...UPDATE_STATES[state]), h("span", { class: "dim" }, `${when}, ${byWhom(by)}`)),
    reason !== null && h("p", {}, reason),
    failed && state === "failed" && h("p", {}, UPDATE_STEPS[failed.name][1]),
    h(
      "ol",
      {},
      ...steps.map((step) =>
        h(
          "li",
          { "data-key": step.name },
          pill(...stepState(step.state, ended !== null)),
          h("span", {}, UPDATE_STEPS[step.name][0], h("code", {}, step.command)),
        ),
      ),
    ),
    output.length > 0 &&
      h(
        "pre",
        { class: "update-output", tabindex: 0, role: "log", "aria-label": `Output of the update of ${service}` },
        output.join("\n"),
      ),
  );
}
