/** The audit log in plain words: who, and what. Pure. */
import type { AuditEntry } from "./api.ts";
import { duration } from "./format.ts";

/** Who did it: the holder where one is known, else the program, else where it came from. */
export function doerOf({ via, holder, user_agent: agent, address, details }: AuditEntry): string {
  if (via === "controller") return "Spark Control";
  const unnamed = via === "gateway" ? "A request" : "API";
  const program = via === "dashboard" ? "Dashboard" : (agent?.split(/[\s/]/, 1)[0] ?? unnamed);
  // Whoever takes it from the holder is not the holder.
  const name = details.force ? program : (holder ?? program);
  return address === null ? name : `${name}, ${address}`;
}

type Details = AuditEntry["details"];
const text = (details: Details, name: string) => String(details[name] ?? "");
const quoted = (details: Details, name: string) => (details[name] ? `: “${text(details, name)}”` : "");

/** @param nameOf a model's name by its key */
export function deedOf(entry: AuditEntry, nameOf: (key: string) => string): string {
  const { action, details, path } = entry;
  const model = details.model ? nameOf(text(details, "model")) : "a model";
  const last = decodeURIComponent(path?.split("/").findLast((part) => !VERBS.has(part)) ?? "");
  switch (action) {
    case "startSwap":
      if (entry.via === "gateway") return `Asked for ${model}, which was not loaded: a swap began`;
      return details.dry_run === true ? `Looked at the plan of a swap to ${model}` : `Asked to swap to ${model}`;
    case "cancelSwap":
      return "Asked to cancel a swap";
    case "swap.ended":
      return ended(details, model, nameOf);
    case "swap.died":
      return `${model} ended right after it was ready${details.restored_by ? "; the model before is loaded again" : ""}`;
    case "acquireLock":
      return `Reserved the GPUs${details.ttl_seconds ? ` for ${duration(Number(details.ttl_seconds))}` : ""}${quoted(details, "note")}`;
    case "releaseLock":
      return details.force
        ? `Took the GPUs from ${entry.holder ?? "their holder"}${quoted(details, "reason")}`
        : "Gave the GPUs back";
    case "lock.expired":
      return `The reservation of ${entry.holder ?? "somebody"} ran out`;
    case "lock.dropped":
    case "lock.unreadable":
      return `A reservation was put aside${quoted(details, "reason")}`;
    case "lock.clock_set":
      return "The clock was set while the GPUs were reserved";
    case "acceptHostKey":
      return `Accepted the new identity of ${last}`;
    case "takeOverNode":
      return `Took over ${last}`;
    case "wakeNode":
      return `Sent ${last} the packet that wakes it`;
    case "changeSettings":
      return "Changed settings";
    case "changeSlot":
      return `Changed the slot ${last}`;
    case "removeSlot":
      return `Removed the slot ${last}`;
    case "changeService":
      return `Changed the settings of ${last}`;
    case "removeService":
      return `Took back the settings of ${last}`;
    case "addModel":
      return "Added a model to the catalog";
    case "changeModel":
      return `Changed the entry of ${nameOf(last)}`;
    case "removeModel":
      return `Took ${nameOf(last)} out of the menu`;
    case "restoreModel":
      return `Brought ${nameOf(last)} back into the menu`;
    case "deleteModelFiles":
      return `Deleted the files of ${nameOf(last)}`;
    case "startDownload":
      return "Started a download";
    case "cancelDownload":
      return "Cancelled a download";
    case "host_key.changed":
      return `${text(details, "node")}: its identity was ${text(details, "change")}`;
    case "node.changed":
      return `${text(details, "node")} is ${details.reachable ? "reachable" : "not reachable"}`;
    case "service.changed":
      return `${text(details, "service")} is ${text(details, "is")}`;
    case "config.changed":
      return "The configuration was read anew";
    case "controller.started":
      return `Spark Control ${text(details, "version")} started`;
    case "controller.stopping":
      return "Spark Control was stopped";
    case "registerScheduleEntry":
      return `Planned “${text(details, "title") || text(details, "id") || "something"}”`;
    case "removeScheduleEntry":
    case "removeScheduleEntryById":
      return "Removed a plan";
    case "addWebhook":
      return `Added the webhook ${text(details, "name") || text(details, "url")}`.trim();
    case "changeWebhook":
      return "Changed a webhook";
    case "removeWebhook":
      return "Removed a webhook";
    case "testWebhook":
      return "Sent a test to a webhook";
    case "redeliver":
      return "Sent a message to a webhook again";
    default:
      return sentence(action);
  }
}

/** Last parts of a path that say what is done, not to whom. */
const VERBS: ReadonlySet<string> = new Set(["accept", "take-over", "test", "redeliver", "wake", "restore", "files"]);

function ended(details: Details, model: string, nameOf: (key: string) => string): string {
  const back = details.rolled_back_to ? `; ${nameOf(text(details, "rolled_back_to"))} is back` : "";
  switch (details.state) {
    case "ready":
      return `${model} is answering`;
    case "cancelled":
      return `The swap to ${model} was cancelled${back}`;
    default:
      return `The swap to ${model} failed${back}`;
  }
}

/** An action of a later version: "restartService" → "Restart service". */
function sentence(action: string): string {
  const words = action
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/[._]/g, " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
