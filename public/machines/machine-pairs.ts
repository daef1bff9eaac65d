/** What a Spark is, name by name: hardware, way to it, identity. Reads signals. */
import type { HostKeyStatus, SparkNode } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { foreignOf } from "../foreign.ts";
import { duration } from "../format.ts";
import { pill } from "../panels/pill.ts";
import { ownReason } from "../words.ts";
import type { HardwareCard, HeadLogin } from "./calls.ts";

/** Seconds that a Spark's clock may be off before it is worth a word. */
const NOTABLE_SKEW_SECONDS = 5;

export interface MachineFacts {
  readonly node: SparkNode;
  readonly key: HostKeyStatus | undefined;
  readonly card: HardwareCard | undefined;
  /** Of the first Spark at this one. */
  readonly login: HeadLogin | undefined;
}

/** What somebody has to know before any figure; empty while all is well. */
export function machineTrouble(node: SparkNode, card: HardwareCard | undefined): Child[] {
  if (node.reason !== null) return [pair("What is wrong", ...trouble(node))];
  if (!card || card.at === null) return [];
  if (card.problem !== null) return [pair("Hardware", card.problem)];
  return card.gpu === null
    ? [
        pair(
          "What is wrong",
          h("p", {}, "The GPU reports nothing, so no model can be loaded here."),
          h(
            "p",
            { class: "dim" },
            "Restart the Spark. If that does not help, its driver needs repair: ",
            h("code", {}, "nvidia-smi"),
            " in a terminal there says what is wrong.",
          ),
        ),
      ]
    : [];
}

export function machinePairs({ node, key, card, login }: MachineFacts): Child[] {
  const skew = node.clock_skew_seconds;
  return [
    card && pair("GPU", h("p", {}, card.gpu?.name ?? "not reported"), h("p", { class: "dim" }, driverOf(card))),
    card && pair("Running for", card.uptime_seconds === null ? "not reported" : duration(card.uptime_seconds)),
    login && pair("Login", ...loginOf(login)),
    pair("Address", node.host ?? "–"),
    pair("User", node.user ?? "–"),
    skew !== null &&
      Math.abs(skew) > NOTABLE_SKEW_SECONDS &&
      pair("Clock", `${Math.abs(skew)} s ${skew > 0 ? "ahead" : "behind"}. Times shown here are Spark Control's.`),
    pair(
      "Identity",
      key?.fingerprint ? h("code", {}, `${key.fingerprint}`) : "not connected to yet",
      key?.refused_fingerprint && [
        h("p", {}, h("b", {}, `It shows another identity than last time: `), h("code", {}, key.refused_fingerprint)),
        h(
          "p",
          { class: "acts" },
          h(
            "button",
            { class: "btn sm", type: "button", "data-act": "accept", "data-node": node.name },
            "Accept the new one…",
          ),
        ),
      ],
    ),
  ];
}

const pair = (name: string, ...value: Child[]): Child =>
  h("div", { "data-key": name }, h("dt", {}, name), h("dd", {}, ...value));

const driverOf = ({ gpu }: HardwareCard): string => `Driver ${gpu?.driver ?? "not reported"}`;

function loginOf({ from, state, seen, fix }: HeadLogin): Child[] {
  const word = { ok: `${from} can log in here`, failed: `${from} cannot log in here`, unknown: "Not known yet" };
  return [
    pill(state === "failed" ? "bad" : state, word[state]),
    state !== "ok" && h("p", { class: "dim" }, seen),
    fix && h("p", {}, fix.text, fix.where !== null && ` On ${fix.where}:`),
    fix?.lines.map((line) =>
      h(
        "div",
        { class: "keyline" },
        h("code", {}, line),
        h(
          "button",
          { class: "btn sm", type: "button", "data-act": "copy", "data-text": line },
          picture("i-copy"),
          "Copy",
        ),
      ),
    ),
  ];
}

function trouble(node: SparkNode): Child[] {
  const foreign = foreignOf(node.failure);
  return [
    h("p", {}, ownReason(node)),
    node.failure?.advice && h("p", { class: "dim" }, node.failure.advice),
    node.failure?.evidence && h("code", { class: "dim" }, node.failure.evidence),
    foreign &&
      h(
        "p",
        { class: "acts" },
        h(
          "button",
          {
            class: "btn sm",
            type: "button",
            "data-act": "take-over",
            "data-node": node.name,
            "data-instance": foreign.instance,
          },
          "Take over…",
        ),
      ),
  ];
}
