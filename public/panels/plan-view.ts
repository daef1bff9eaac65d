/** A plan in plain words, with the memory before and after. Reads signals. */
import type { Model, Plan, Slot } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { foreignOf } from "../foreign.ts";
import { gb, listed, plural } from "../format.ts";
import { models, nodes, slots } from "../state.ts";
import { onNodes } from "../words.ts";
import { phaseBar } from "./phase-bar.ts";
import { plannedSeconds, STEP_NAMES, type Step } from "./phases.ts";
import { planMemory } from "./plan-memory.ts";

/** It is over before anything happens that a person would notice. */
const UNNOTICED = "Check";
const NOTHING_TO_FINISH: ReadonlySet<string> = new Set(["Finish requests", "Stop"]);

export function planView(plan: Plan): Child {
  const blocked = plan.blockers.length > 0;
  const tone = toneOf(plan);
  return [
    h("p", { class: "lead", "data-key": "lead" }, lead(plan)),
    !blocked && phaseBar(plannedSteps(plan), "What happens, with usual durations"),
    h(
      "dl",
      { class: "facts", "data-key": "facts" },
      plan.stops.length > 0 &&
        fact(
          "Stops",
          plan.stops.map(({ name, nodes: used }, at) => [at > 0 && "; ", h("b", {}, name), ` ${lower(onNodes(used))}`]),
        ),
      fact("Starts", [h("b", {}, plan.starts.name), ` ${lower(onNodes(plan.nodes))}`, stayFree(plan)]),
      fact("Untouched", untouched(plan)),
      ...plan.blockers.map((each) => note("bad", each)),
      ...plan.warnings.map((each) => note("warn", each)),
    ),
    plan.memory.length > 0 &&
      h(
        "section",
        { class: "fits", "data-key": "fits", "aria-labelledby": "fits-h" },
        h("h3", { id: "fits-h", "data-tone": tone }, picture(GLYPHS[tone]), verdict(plan)),
        h("div", { class: "bas" }, ...plan.memory.map((each) => planMemory(each, plan, modelOf(plan.starts.model)))),
      ),
  ];
}

export function commandsOf(plan: Plan): Child {
  if (plan.commands.length === 0) return null;
  return h(
    "details",
    { class: "cmd", "data-key": "commands" },
    h("summary", {}, picture("i-chevron"), "Exact commands"),
    h(
      "pre",
      { tabindex: 0, "aria-label": "Exact commands" },
      h("code", {}, plan.commands.map(({ node, command }) => `${node}$ ${command}`).join("\n")),
    ),
  );
}

const THEN: Readonly<Record<Plan["drain"]["on_timeout"], string>> = {
  ask: "then you are asked",
  fail: "then the swap fails and nothing is stopped",
  cut_off: "then they are cut off",
};

/** "Chat stops answering for about 6 min. 3 requests are still running; they finish first." */
function lead(plan: Plan): Child[] {
  if (plan.blockers.length > 0) return ["This swap cannot start now. ", h("b", {}, "Nothing was changed.")];
  const onTop = plan.download === null ? "" : " plus the download";
  if (plan.stops.length === 0)
    return [
      "Nothing runs there now. ",
      h("b", {}, plan.starts.name),
      " answers after ",
      h("b", {}, minutes(plan.load_seconds)),
      `${onTop}.`,
    ];
  const inVllm = stopping(plan).reduce(
    (sum, { requests }) => sum + (requests ? requests.running + requests.waiting : 0),
    0,
  );
  const running = Math.max(inVllm, plan.drain.requests);
  const finish =
    running === 0
      ? ""
      : ` ${plural(running, "request")} ${running === 1 ? "is" : "are"} still running; ${running === 1 ? "it finishes" : "they finish"} first, for at most ${plan.drain.seconds} s; ${THEN[plan.drain.on_timeout]}.`;
  return ["Chat stops answering for ", h("b", {}, minutes(plan.downtime_seconds)), `${onTop}.${finish}`];
}

function minutes(seconds: number): string {
  if (seconds < 90) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} seconds`;
  return `about ${plural(Math.round(seconds / 60), "minute")}`;
}

function plannedSteps(plan: Plan): Step[] {
  const usual = plannedSeconds(plan.phases);
  return STEP_NAMES.filter((name) => name !== UNNOTICED)
    .filter((name) => plan.stops.length > 0 || !NOTHING_TO_FINISH.has(name))
    .map((name) => ({
      name,
      state: "todo",
      seconds: null,
      usual: usual[name] ?? 0,
      done: 0,
    }));
}

function fact(name: string, value: Child): Child {
  return h("div", { "data-key": name }, h("dt", {}, name), h("dd", {}, value));
}

function stayFree({ slot, nodes: used }: Plan): string {
  const rest = slots.value.find(({ name }) => name === slot)?.nodes.filter((name) => !used.includes(name)) ?? [];
  const taken = slots.value.filter((each) => each.name !== slot && each.state !== "idle").flatMap((each) => each.nodes);
  const free = rest.filter((name) => !taken.includes(name));
  return free.length === 0 ? "" : `; ${listed(free)} ${free.length === 1 ? "stays" : "stay"} free`;
}

function untouched(plan: Plan): string {
  const gone = new Set(plan.stops.map(({ slot }) => slot));
  const others = slots.value
    .filter(({ name, model_name }) => name !== plan.slot && !gone.has(name) && model_name !== null)
    .map(({ name, model_name }) => `${model_name} in slot ${name}`);
  return listed([...others, `everything else that runs on ${nodes.value.length === 1 ? "the Spark" : "the Sparks"}`]);
}

function stopping(plan: Plan): Slot[] {
  return slots.value.filter(({ name }) => plan.stops.some((each) => each.slot === name));
}

function note(kind: "bad" | "warn", each: Plan["blockers"][number]): Child {
  const { code, message, evidence, advice } = each;
  const foreign = foreignOf(each);
  return h(
    "div",
    { "data-tone": kind, "data-key": `${code} ${message}`, role: kind === "bad" ? "alert" : null },
    h("dt", {}, picture(`g-${kind}`), kind === "bad" ? "Not now" : "Note"),
    h(
      "dd",
      {},
      h("b", {}, message),
      evidence !== null && h("code", {}, evidence),
      // A person has the button; the address of the API is for programs.
      foreign
        ? h("p", {}, "Stop the other one, or take the Spark over if it is gone for good.")
        : advice !== null && h("p", {}, advice),
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
              "data-node": foreign.node,
              "data-instance": foreign.instance,
            },
            `Take over ${foreign.node}…`,
          ),
        ),
      code === "needs_download" && [
        h(
          "p",
          {},
          "Downloaded on its own, it loads without that wait, and what is served goes on answering meanwhile.",
        ),
        h(
          "p",
          { class: "acts" },
          h("button", { class: "btn sm", type: "button", "data-act": "download" }, "Only download it"),
        ),
      ],
    ),
  );
}

type Verdict = "ok" | "warn" | "bad" | "unknown";
const GLYPHS: Readonly<Record<Verdict, string>> = { ok: "g-done", warn: "g-warn", bad: "g-bad", unknown: "g-unknown" };

function toneOf({ fits, warnings }: Plan): Verdict {
  if (fits !== true) return fits === null ? "unknown" : "bad";
  return warnings.some(({ code }) => code === "tight") ? "warn" : "ok";
}

function verdict({ fits, memory }: Plan): string {
  if (fits === null) return "Whether it fits is not known: not every Spark could be asked";
  const [first, ...more] = memory;
  const tightest = more.reduce((least, each) => (least && each.spare_bytes < least.spare_bytes ? each : least), first);
  if (!tightest) return "";
  if (!fits) return `It does not fit on ${tightest.node}`;
  return `It fits, with ${gb(tightest.spare_bytes)} GB to spare on ${tightest.node}`;
}

const modelOf = (key: string): Model | undefined => models.value.find((model) => model.key === key);
const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
