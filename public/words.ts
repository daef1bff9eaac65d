/** Wording that several panels share. */
import type { SparkNode } from "./api.ts";
import { nodes, slots } from "./state.ts";

/** "On both Sparks", "On spark-1". Reads signals. */
export function onNodes(used: readonly string[]): string {
  const all = nodes.value.map(({ name }) => name);
  if (used.length === 2 && all.length === 2 && used.every((name) => all.includes(name))) return "On both Sparks";
  return `On ${used.length < 2 ? (used[0] ?? "no Spark") : `${used.slice(0, -1).join(", ")} and ${used.at(-1)}`}`;
}

/** Why a Spark cannot be used, for where its name stands beside it. */
export function ownReason({ name, reason }: Pick<SparkNode, "name" | "reason">): string | null {
  const named = `${name}: `;
  return reason?.startsWith(named) ? reason.slice(named.length) : reason;
}

/** Who asked for a swap: "from the dashboard", "by nightly-batch". @param caller the API's `requested_by` */
export function byWhom(caller: string): string {
  return caller === "dashboard" ? "from the dashboard" : caller === "unknown" ? "through the API" : `by ${caller}`;
}

/** The same as a name in a list. */
export function whoOf(caller: string): string {
  return caller === "dashboard" ? "Dashboard" : caller === "unknown" ? "API" : `${caller}, API`;
}

/** "Slot left, " where there are several. Reads signals. */
export function slotWord(name: string): string {
  return slots.value.length > 1 ? `Slot ${name}` : "";
}

/** What stands where the name of a served model would. What was not seen is not called empty. Reads signals. */
export function noneServing(): string {
  const down = slots.value.find(({ state }) => state === "not_answering");
  if (down) return `${down.model_name ?? "A model"} does not answer`;
  return slots.value.some(({ state }) => state === "unknown") ? "Not known" : "No model";
}
