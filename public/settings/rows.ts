/** What is shown of each value: a setting of the cluster, a field of a slot or of a service. */

import { grouped } from "../format.ts";
import type { ClusterSetting, ServiceSettings, SlotSettings } from "./desk.ts";
import { labelOf, sentenceCase } from "./groups.ts";
import type { Row } from "./setting-row.ts";

export function rowOf(setting: ClusterSetting): Row {
  const { key, kind, from, environment: added, file_value: said } = setting;
  const isList = kind === "list";
  const usual = Array.isArray(setting.default)
    ? setting.default.length === 0
      ? "none"
      : setting.default.join(", ")
    : typeof setting.default === "boolean"
      ? setting.default
        ? "Yes"
        : "No"
      : String(setting.default);
  return {
    place: { service: null, key },
    label: labelOf(key),
    help: setting.description,
    kind,
    // What the environment adds cannot be taken out here, so it is not in the field.
    value: isList ? (said ?? []) : setting.value,
    origin: said !== null ? "From topology.yaml" : from === "environment" ? "From the environment" : "Default",
    bounds: [boundsOf(setting), said !== null && !isList && `default ${usual}`].filter(Boolean).join(", "),
    choices: setting.choices ?? [],
    variable: null,
    added: added && `${added.variable} adds: ${added.value.join(", ")}`,
    canReset: said !== null,
  };
}

function boundsOf({ kind, minimum, maximum }: ClusterSetting): string {
  if (minimum === null || maximum === null) return kind === "list" ? "one a line" : "";
  return `${kind === "amount" ? "more than " : ""}${grouped(minimum)} to ${grouped(maximum)}`;
}

export function serviceRow(service: string, field: ServiceSettings["fields"][number]): Row {
  const { key, from, variable, file_value: said } = field;
  const isSwitch = key === "disabled" || key === "auto_restart";
  const origins: Readonly<Record<string, string>> = {
    default: "Default",
    file: "From services-overrides.yaml",
    environment: "From the environment",
  };
  return {
    place: { service, key },
    label: FIELD_LABELS[key] ?? sentenceCase(key),
    help: field.description,
    kind: isSwitch ? "yes_no" : key === "port" ? "whole" : "text",
    value: field.value,
    origin: origins[from] ?? "",
    bounds: "",
    choices: [],
    variable,
    added: null,
    canReset: said !== null && key !== "kind",
  };
}

export function slotRow(slot: string, field: SlotSettings["fields"][number]): Row {
  const { key, from, variable, value, file_value: said } = field;
  const isList = key === "nodes";
  const origin = said !== null ? "From topology.yaml" : from === "environment" ? "From the environment" : "Default";
  return {
    place: { service: null, slot, key },
    label: isList ? "Sparks" : sentenceCase(key),
    help: field.description,
    kind: isList ? "list" : key === "port" ? "whole" : "text",
    value,
    origin,
    bounds: isList ? "one a line, the head first" : "",
    choices: [],
    variable,
    added: null,
    canReset: said !== null,
  };
}

const FIELD_LABELS: Readonly<Record<string, string>> = {
  node: "Spark",
  disabled: "Hidden",
  auto_restart: "Restart by itself",
};
