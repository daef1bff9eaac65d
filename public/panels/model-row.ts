/** One model of the list. Pure. */
import type { Model, Slot, SparkNode, SwapJob } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { needsDownload } from "../fits.ts";
import { about, BYTES_PER_GB, duration, gb, gbOfGib, size } from "../format.ts";
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
  /** How far the download of this model is, in words; null when none runs. */
  readonly downloading: string | null;
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
  // What is served is there, whatever was last seen on the disks.
  const isServed = slot?.state === "serving";
  const missing = isServed ? null : AVAILABILITY[model.availability];
  return h(
    "tr",
    {
      "data-key": model.key,
      class: cannot ? "cannot" : null,
      "aria-current": isServed || facts.job ? "true" : null,
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
      sizeWord(model.size_gb),
      h("span", { class: "m-sub" }, isServed && model.on_disk?.length === 0 ? "" : whereOnDisk(model)),
    ),
    cannot
      ? h("td", { class: "c-fit", colspan: 2 }, h("span", { class: "fit no", id: reasonId }, fit.reason))
      : [
          h("td", { class: "c-fit", "data-unknown": fit.left_gib === null }, memory(model, facts)),
          h(
            "td",
            { class: "c-time", "data-unknown": model.load_seconds_estimate === null },
            loadsIn(model),
            needsDownload(model) && !isServed && h("span", { class: "m-sub" }, "after the download"),
          ),
        ],
    h(
      "td",
      { class: "c-do" },
      action(model, facts, slot, cannot, cannot ? reasonId : model.needs_setup === null ? facts.obstacleId : setupId),
    ),
  );
}

function sizeWord(gigabytes: number | null): string {
  if (gigabytes === null) return "–";
  return gigabytes < 1 ? size(gigabytes * BYTES_PER_GB) : `${Math.round(gigabytes)} GB`;
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

function action(
  model: Model,
  facts: RowFacts,
  slot: Slot | undefined,
  cannot: boolean,
  reasonId: string | null,
): Child {
  if (facts.job) return h("span", { class: "serving" }, pill("move", `${Math.round(facts.job.progress * 100)}\u00a0%`));
  if (slot?.state === "serving")
    return h("span", { class: "serving" }, facts.isPast ? pill("unknown", "Was serving") : pill("ok", "Serving"));
  if (slot?.state === "not_answering") return h("span", { class: "serving" }, pill("bad", "Down"));
  if (facts.downloading !== null) return h("span", { class: "serving" }, pill("move", facts.downloading));
  const downloads = needsDownload(model) && !cannot;
  return h(
    "button",
    {
      class: "btn sm",
      type: "button",
      "data-act": "swap",
      "data-model": model.key,
      "aria-label": `${downloads ? "Download and swap" : "Swap"} to ${model.name}`,
      disabled: reasonId !== null,
      "aria-describedby": reasonId,
    },
    downloads ? "Download…" : "Swap…",
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
