/** One model of the list. Pure. */
import type { Model, Slot, SparkNode, SwapJob } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { about, duration, gb, gbOfGib } from "../format.ts";
import { claimOf } from "../memory-parts.ts";
import { memoryBar } from "./memory-bar.ts";
import { pill } from "./pill.ts";

export interface RowFacts {
  /** Element that says why no swap can start at all; null when one can. */
  readonly obstacleId: string | null;
  readonly id: (name: string) => string;
  readonly fit: Model["fit"];
  readonly nodes: readonly SparkNode[];
  readonly slots: readonly Slot[];
  /** Where there is room for them. */
  readonly withNotes: boolean;
  /** There is no connection: what is known is the past. */
  readonly isPast: boolean;
  /** The swap that loads this model now. */
  readonly job: SwapJob | undefined;
}

const AVAILABILITY: Readonly<Record<Model["availability"], string | null>> = {
  on_disk: null,
  partial: "only partly on disk",
  needs_download: "needs download",
  missing: "folder missing",
  unknown: null,
};

export function modelRow(model: Model, facts: RowFacts): Child {
  const slot = facts.slots.find((each) => each.model === model.key && each.state !== "idle");
  const { fit } = facts;
  const cannot = fit.verdict === "does_not_fit" && !facts.job;
  const reasonId = facts.id(`reason-${model.key}`);
  const setupId = facts.id(`set-up-${model.key}`);
  const missing = AVAILABILITY[model.availability];
  return h(
    "tr",
    {
      "data-key": model.key,
      class: cannot ? "cannot" : null,
      "aria-current": slot?.state === "serving" || facts.job ? "true" : null,
    },
    h(
      "th",
      { scope: "row" },
      h(
        "span",
        { class: "m-name" },
        h("span", {}, model.name),
        model.local && h("span", { class: "tag" }, "local"),
        model.origin === "disk" && h("span", { class: "tag" }, "on disk"),
        model.needs_setup !== null && h("span", { class: "tag", "data-tone": "warn" }, "needs set-up"),
        missing !== null &&
          h("span", { class: "tag", "data-tone": model.availability === "needs_download" ? null : "warn" }, missing),
      ),
      h("span", { class: "m-sub" }, model.quantization ?? model.repo ?? model.local_path),
      model.needs_setup !== null && !cannot && h("span", { class: "m-sub", id: setupId }, model.needs_setup),
      facts.withNotes && model.note !== null && h("span", { class: "m-sub" }, model.note),
    ),
    h(
      "td",
      { class: "c-where" },
      sparks(model.nodes, facts.nodes.length),
      h("span", {}, countWord(model.nodes, facts.nodes.length)),
    ),
    h(
      "td",
      { class: "c-size" },
      model.size_gb === null ? "–" : `${Math.round(model.size_gb)} GB`,
      h("span", { class: "m-sub" }, whereOnDisk(model)),
    ),
    cannot
      ? h("td", { class: "c-fit", colspan: 2 }, h("span", { class: "fit no", id: reasonId }, fit.reason))
      : [
          h("td", { class: "c-fit" }, memory(model, facts)),
          h("td", { class: "c-time", "data-unknown": model.load_seconds_estimate === null }, loadsIn(model)),
        ],
    h(
      "td",
      { class: "c-do" },
      action(model, facts, slot, cannot ? reasonId : model.needs_setup === null ? facts.obstacleId : setupId),
    ),
  );
}

function loadsIn({ last_load_seconds: last, load_seconds_estimate: guess }: Model): string {
  return last !== null ? duration(last) : guess === null ? "–" : about(guess);
}

function whereOnDisk({ on_disk: places, availability }: Model): string {
  if (places === null || places.length === 0)
    return availability === "needs_download" || availability === "missing" ? "not on disk" : "";
  return places.length > 1 ? `on ${places.length} Sparks` : `on ${places[0]?.node}`;
}

function memory(model: Model, { fit, nodes }: RowFacts): Child {
  const total = nodes.find(({ memory }) => memory !== null)?.memory?.total_bytes;
  const left = fit.left_gib;
  if (total === undefined || left === null) return h("span", { class: "fit" }, "–");
  const { claim, weights } = claimOf(model, total);
  const free = left * 2 ** 30;
  const tight = fit.verdict === "tight";
  const parts = [
    { kind: "other", label: "Everything else", bytes: Math.max(0, total - claim - free) },
    { kind: tight ? "tight" : "model", label: "Model", bytes: weights ?? claim },
    { kind: "ctx", label: "Working space", bytes: claim - (weights ?? claim) },
    { kind: "free", label: "Free", bytes: free },
  ] as const;
  return [
    memoryBar(parts, `${model.name} of ${gb(total)} GB`, "mini"),
    h(
      "span",
      { class: tight ? "fit tight" : "fit" },
      `${tight ? "Tight, " : ""}${gbOfGib(left)} GB left`,
      model.nodes > 1 && h("span", { class: "fit-each" }, " each"),
    ),
  ];
}

function action(model: Model, facts: RowFacts, slot: Slot | undefined, reasonId: string | null): Child {
  if (facts.job) return h("span", { class: "serving" }, pill("move", `${Math.round(facts.job.progress * 100)}\u00a0%`));
  if (slot?.state === "serving")
    return h("span", { class: "serving" }, facts.isPast ? pill("unknown", "Was serving") : pill("ok", "Serving"));
  if (slot?.state === "not_answering") return h("span", { class: "serving" }, pill("bad", "Down"));
  return h(
    "button",
    {
      class: "btn sm",
      type: "button",
      "data-act": "swap",
      "data-model": model.key,
      "aria-label": `Swap to ${model.name}`,
      disabled: reasonId !== null,
      "aria-describedby": reasonId,
    },
    "Swap…",
  );
}

function sparks(needed: number, there: number): Child {
  const shown = Math.max(needed, Math.min(there, 4), 1);
  return h(
    "span",
    { class: "sparks", "aria-hidden": "true" },
    ...Array.from({ length: shown }, (_, at) => h("i", { class: at < needed ? "on" : null })),
  );
}

function countWord(needed: number, there: number): string {
  if (needed === 1) return "One";
  if (needed === 2) return there === 2 ? "Both" : "Two";
  return String(needed);
}
