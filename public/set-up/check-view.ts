/** What the checks found, Spark by Spark. */
import { type Child, h, picture, withProperties } from "../dom.ts";
import { plural } from "../format.ts";
import type { CheckId, CheckResult } from "./calls.ts";
import { copyLine } from "./copy-line.ts";
import { type Desk, type Run, resultKey } from "./desk.ts";

interface Tone {
  readonly tone: string;
  readonly glyph: string;
  readonly word: string;
}

const AFTER_LOGIN: ReadonlySet<CheckId> = new Set([
  "docker",
  "launch_script",
  "image",
  "disk",
  "gpu",
  "clock",
  "owner",
  "from_head",
]);

const TONES: Readonly<Record<CheckResult["state"], Tone>> = {
  ok: { tone: "ok", glyph: "g-ok", word: "OK" },
  warning: { tone: "warn", glyph: "g-warn", word: "Warning" },
  failed: { tone: "bad", glyph: "g-bad", word: "Failed" },
  skipped: { tone: "off", glyph: "g-off", word: "Not checked" },
};
const PENDING: Tone = { tone: "move", glyph: "g-move", word: "Checking" };
const CONFIRM: Tone = { tone: "warn", glyph: "g-warn", word: "Compare" };
const CUT: Tone = { tone: "off", glyph: "g-unknown", word: "Unknown" };

export interface Verdict {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly warned: number;
  /** Keys that wait for a person's word. */
  readonly unconfirmed: number;
  /** Every check came, and none failed or waits. */
  readonly passed: boolean;
}

export function verdictOf({ state, plan, results }: Run): Verdict {
  const all = [...results.values()];
  const total = plan.reduce((sum, { checks }) => sum + checks.length, 0);
  const unconfirmed = all.filter(({ confirm }) => confirm !== null).length;
  const failed = all.filter((one) => one.state === "failed" && one.confirm === null).length;
  const warned = all.filter((one) => one.state === "warning" && one.confirm === null).length;
  const passed = state === "done" && total > 0 && all.length === total && failed === 0 && unconfirmed === 0;
  return { total, done: all.length, failed, warned, unconfirmed, passed };
}

/** One sentence, spoken when it changes. */
export function verdictWords(run: Run): string {
  const { total, failed, warned, unconfirmed, passed } = verdictOf(run);
  if (run.state === "running") return "Checking…";
  if (run.state === "broken") return "The check broke off.";
  if (run.state === "none") return "";
  const things = [
    ...(unconfirmed > 0 ? [`${plural(unconfirmed, "identity", "identities")} to compare`] : []),
    ...(failed > 0 ? [`${plural(failed, "check")} failed`] : []),
    ...(warned > 0 ? [plural(warned, "warning")] : []),
  ];
  if (things.length === 0) return `All ${total} checks passed.`;
  const list = things.join(", ");
  return passed ? `Everything needed is there; ${list}.` : `${list.charAt(0).toUpperCase()}${list.slice(1)}.`;
}

function verdictTone(run: Run): Tone {
  if (run.state === "running") return PENDING;
  const { passed, failed, warned } = verdictOf(run);
  if (run.state === "broken" || failed > 0) return TONES.failed;
  if (!passed || warned > 0) return TONES.warning;
  return TONES.ok;
}

export function checkView(desk: Desk): Child {
  const run = desk.run.value;
  const { done, total } = verdictOf(run);
  const { tone, glyph } = verdictTone(run);
  return [
    h(
      "div",
      { class: "su-verdict", "data-key": "verdict", "data-running": run.state === "running" },
      h("p", { role: "status", class: "pill", "data-tone": tone }, picture(glyph), h("span", {}, verdictWords(run))),
      run.state === "running" && h("span", { class: "dim", "aria-hidden": "true" }, `${done} of ${total}`),
      withProperties(h("div", { class: "su-bar", "aria-hidden": "true" }, h("i")), {
        "--part": total === 0 ? 0 : done / total,
      }),
    ),
    h(
      "div",
      { class: "su-machines", "data-key": "machines" },
      ...run.plan.map(({ node, checks }, index) =>
        h(
          "section",
          { class: "su-machine", "aria-labelledby": `su-machine-${index}`, "data-key": node },
          h(
            "h3",
            { id: `su-machine-${index}` },
            node,
            " ",
            h("span", { class: "su-host" }, desk.valueOf(node, "host")),
          ),
          h("ul", {}, rows(run, node, checks, desk.busy.value)),
        ),
      ),
    ),
  ];
}

/** One row a check; those that wait for the login share one. */
function rows(run: Run, node: string, checks: Run["plan"][number]["checks"], busy: boolean): Child {
  const of = (check: CheckId) => run.results.get(resultKey(node, check));
  const waiting = checks.filter(({ check }) => of(check)?.state === "skipped" && AFTER_LOGIN.has(check));
  const isLoggedIn = of("login")?.state === "ok";
  const shown = isLoggedIn ? checks : checks.filter((each) => !waiting.includes(each));
  const titles = waiting.map(({ title }) => title);
  return [
    ...shown.map(({ check, title }) => row(run, title, of(check), busy)),
    !isLoggedIn &&
      waiting.length > 0 &&
      h(
        "li",
        { class: "su-check", "data-key": "waiting", "data-tone": "off" },
        h("span", { class: "pill", "data-tone": "off" }, picture("g-off"), "Not checked"),
        h(
          "div",
          { class: "su-what" },
          h("strong", {}, "All else"),
          h("p", {}, `Checked once Spark Control is logged in: ${titles.join(", ")}.`),
        ),
      ),
  ];
}

function toneOf(run: Run, result: CheckResult | undefined): Tone {
  if (result === undefined) return run.state === "running" ? PENDING : CUT;
  return result.confirm !== null && result.confirm.expected === null ? CONFIRM : TONES[result.state];
}

function row(run: Run, title: string, result: CheckResult | undefined, busy: boolean): Child {
  const { tone, glyph, word } = toneOf(run, result);
  return h(
    "li",
    { class: "su-check", "data-key": title, "data-tone": tone },
    h("span", { class: "pill", "data-tone": tone }, picture(glyph), word),
    h("div", { class: "su-what" }, h("strong", {}, title), h("p", {}, result?.seen ?? "")),
    result && details(result, busy),
  );
}

function details(result: CheckResult, busy: boolean): Child {
  const { confirm, fix, evidence } = result;
  if (confirm === null && fix === null && (evidence === null || result.state === "ok")) return null;
  return h(
    "div",
    { class: "su-help" },
    confirm !== null && confirmation(result, confirm, busy),
    fix !== null && [
      h("p", {}, fix.text),
      ...fix.lines.map((line) => [
        h("p", { class: "dim" }, `Paste on ${fix.where ?? result.node}:`),
        copyLine(line, `line for ${fix.where ?? result.node}`),
      ]),
    ],
    evidence !== null &&
      h(
        "details",
        { class: "su-more" },
        h("summary", {}, `What ${fix?.where ?? result.node} said`),
        h("pre", { tabindex: 0 }, h("code", {}, evidence)),
      ),
  );
}

function confirmation(result: CheckResult, confirm: NonNullable<CheckResult["confirm"]>, busy: boolean): Child {
  const isNew = confirm.expected === null;
  return [
    h("p", {}, `${result.node} shows this fingerprint:`),
    h("p", { class: "su-print" }, h("code", {}, confirm.fingerprint)),
    h("p", {}, "On the Spark itself, at its screen or in a terminal that you trust, this must print the same:"),
    copyLine(confirm.command, `line that prints the fingerprint of ${result.node}`),
    h(
      "div",
      { class: "su-do" },
      h(
        "button",
        {
          class: isNew ? "btn primary" : "btn danger",
          type: "button",
          "data-act": "confirm",
          "data-spark": result.node,
          disabled: busy,
        },
        isNew ? `It is the same: trust ${result.node}` : `I reinstalled it: trust the new identity of ${result.node}`,
      ),
    ),
    h(
      "p",
      { class: "dim" },
      isNew
        ? "If it differs, this is not your Spark: check the address, and who else is in the network."
        : "If you did not reinstall it, stop here: another machine may be answering in its place.",
    ),
  ];
}
