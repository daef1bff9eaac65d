/** One service as the board holds it, and what is shown of it. Pure. */
import type { SlotStatus } from "../swap/slots.ts";
import type { Service as ConfiguredService, Topology } from "../topology/topology.ts";
import { type Condition, MOST_RESTARTS, recentRestarts } from "./condition.ts";
import type { Answer, Seen, Verdict } from "./judge.ts";
import type { Service } from "./service.ts";

export type Operation = NonNullable<Service["operation"]>;

/** What was seen of a service last. */
export interface Entry {
  readonly condition: Condition;
  readonly seen: Seen | null;
  readonly answer: Answer;
  readonly image: string | null;
  readonly url: string | null;
  readonly checkedAt: string | null;
  readonly operation: Operation | null;
}

export function newEntry(condition: Condition): Entry {
  return {
    condition,
    seen: null,
    answer: { kind: "none" },
    image: null,
    url: null,
    checkedAt: null,
    operation: null,
  };
}

/** A vLLM slot, or a service beside. Slots come first: a service of the same name is not found by it. */
export type Subject =
  | { readonly of: "slot"; readonly name: string; readonly slot: SlotStatus }
  | { readonly of: "service"; readonly name: string; readonly service: ConfiguredService };

/** Everything that is not hidden. */
export function subjectsOf(topology: Topology, slots: readonly SlotStatus[]): Subject[] {
  const names = new Set(slots.map(({ name }) => name));
  return [
    ...slots.map((slot) => ({ of: "slot", name: slot.name, slot }) as const),
    ...topology.services
      .filter(({ name, disabled }) => !disabled && !names.has(name))
      .map((service) => ({ of: "service", name: service.name, service }) as const),
  ];
}

/**
 * A slot is looked at by the swap engine's own board.
 * @param busy why its GPU is busy, null when it is not
 * @param failure why its deep check failed, null when it did not
 */
export function judgeSlot(slot: SlotStatus, busy: string | null, failure: string | null): Verdict {
  const certain = true;
  switch (slot.state) {
    case "serving":
      if (failure !== null)
        return busy === null
          ? { state: "unhealthy", reason: failure, certain }
          : { state: "busy", reason: busy, certain };
      return {
        state: "healthy",
        reason: slot.by_hand ? "It serves a model that was not loaded from here." : null,
        certain,
      };
    case "swapping":
      return { state: "starting", reason: "A model is being loaded.", certain };
    case "idle":
      return { state: "stopped", reason: "No model is loaded.", certain };
    case "not_answering":
      return busy === null
        ? {
            state: "unhealthy",
            reason: slot.difference?.message ?? "Its model was loaded and does not answer.",
            certain: false,
          }
        : { state: "busy", reason: busy, certain };
    case "unknown":
      // Whether it should answer at all is not known either.
      return slot.model === null
        ? { state: "unknown", reason: "Its Spark has not answered.", certain }
        : { state: "unreachable", reason: slot.difference?.message ?? "Its Spark cannot be asked.", certain: false };
  }
}

/** Whether the controller restarts it by itself. For vLLM that is off unless somebody wants it. */
export function autoRestart(subject: Subject, { settings }: Topology): boolean {
  return subject.of === "slot" ? settings.auto_restart_vllm : subject.service.auto_restart;
}

interface Around {
  readonly topology: Topology;
  readonly inFlight: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** As it appears on the wire. */
export function shown(subject: Subject, entry: Entry, { topology, inFlight, now }: Around): Service {
  const { condition, answer, operation } = entry;
  const { state, since, reason, deep, restarts, givenUp } = condition;
  const slot = subject.of === "slot" ? subject.slot : null;
  const service = subject.of === "service" ? subject.service : null;
  return {
    name: subject.name,
    kind: service?.kind ?? "vllm",
    is_slot: slot !== null,
    node: slot ? (slot.nodes[0] ?? null) : (service?.node ?? null),
    url: slot ? (slot.url?.replace(/\/v1$/, "") ?? null) : entry.url,
    state,
    since,
    // What it is otherwise meanwhile, such as busy, has a reason of its own.
    reason: state === "unhealthy" ? (givenUp ?? reason) : reason,
    checked_at: entry.checkedAt,
    response_ms: answer.kind === "answered" ? answer.ms : null,
    container: containerOf(subject, entry),
    model: slot?.model ?? null,
    in_flight: slot?.in_flight ?? inFlight,
    deep_check: deep,
    operation,
    auto_restart: {
      enabled: autoRestart(subject, topology),
      recent: recentRestarts(restarts, now).length,
      most: MOST_RESTARTS,
      given_up: givenUp,
    },
    not_possible: notPossible(subject, entry),
  };
}

function containerOf(subject: Subject, { seen, image }: Entry): Service["container"] {
  if (subject.of === "slot") return null;
  const { container: name, node } = subject.service;
  if (name === null || node === null || seen?.how !== "looked") return null;
  const { container } = seen;
  if (container === null)
    return { name, status: "missing", image: null, started_at: null, exit_code: null, health: null };
  const { status, startedAt, exitCode, running, health } = container;
  return { name, status, image, started_at: startedAt, exit_code: running ? null : exitCode, health };
}

/** Why each action is not possible now; null where it is. */
export function notPossible(subject: Subject, entry: Entry): Service["not_possible"] {
  const updating = subject.of === "service" && subject.service.bot ? null : "It is no bot with a checkout of its own.";
  const { operation } = entry;
  const busy = operation && `${doing[operation.action]} now.`;
  if (subject.of === "slot") {
    const swapping = subject.slot.job_id !== null ? "A swap is running. Wait until it has ended, or cancel it." : busy;
    const empty = subject.slot.state === "idle" ? "No model is loaded." : null;
    const there = subject.slot.state === "serving" ? "A model is loaded already." : null;
    return {
      start: swapping ?? there,
      stop: swapping ?? empty,
      restart: swapping ?? empty,
      logs: empty,
      update: updating,
    };
  }
  const { node, container } = subject.service;
  const nowhere = node === null || container === null ? "It does not run on a Spark that is managed here." : null;
  const { seen } = entry;
  const unseen = seen?.how === "failed" ? seen.reason : null;
  const missing =
    seen?.how === "looked" && seen.container === null ? `There is no container named ${container} on ${node}.` : null;
  const none = nowhere ?? unseen ?? missing;
  const runs = seen?.how === "looked" ? (seen.container?.running ?? null) : null;
  return {
    start: none ?? busy ?? (runs === true ? "It runs already." : null),
    stop: none ?? busy ?? (runs === false ? "It does not run." : null),
    restart: none ?? busy,
    logs: none,
    update: updating ?? nowhere ?? unseen ?? busy,
  };
}

const doing = {
  start: "It is being started",
  stop: "It is being stopped",
  restart: "It is being restarted",
  update: "It is being updated",
} as const;
