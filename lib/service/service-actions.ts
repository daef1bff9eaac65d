/**
 * Start, stop and restart of a service: asked for by a person, by a client, or by the auto-restart. What was done is
 * verified on the Spark before it counts; for slots the swap engine's own rules hold.
 */
import { Fault, isAnswerLost } from "../fault.ts";
import { isoTime } from "../ids.ts";
import { type Service as ConfiguredService, type Node, type Topology, usableNode } from "../topology/topology.ts";
import type { Entry, Subject } from "./entry.ts";
import type { Service, ServiceAction } from "./service.ts";
import type { ServiceBoard } from "./service-board.ts";
import type { SeenImage, SightMeans } from "./sight.ts";

export const AUTO_RESTART = "auto-restart";

export interface ActionRequest {
  readonly action: ServiceAction;
  readonly by: string;
  /** Of the reservation, where one is held and a model is touched. */
  readonly token: string | null;
}

export interface ActionDone {
  readonly service: string;
  readonly node: string | null;
  readonly action: ServiceAction;
  readonly by: string;
  /** Null: done. */
  readonly failure: string | null;
  readonly cutOff: number | null;
}

export interface SlotActed {
  /** The swap that does it; null when it is done. */
  readonly jobId: string | null;
  /** Requests that still ran when it was stopped, as far as is known. */
  readonly cutOff: number | null;
}

/** Where a service has a model, as far as lock and swaps are concerned. */
export interface ModelPlace {
  /** Name of the slot whose container it is; null: beside the slots. */
  readonly slot: string | null;
  readonly nodes: readonly string[];
  readonly container: string | null;
  readonly port: number | null;
}

/**
 * A reservation is about models: those of a vLLM, and a container or port that a slot or a vLLM has, under whatever name.
 * @returns null: it has none
 */
export function modelPlace(
  { kind, node, container, port }: ConfiguredService,
  { slots, services }: Pick<Topology, "slots" | "services">,
): ModelPlace | null {
  const here = node === null ? [] : slots.filter(({ nodes }) => nodes.includes(node));
  const same = here.find((slot) => slot.container === container) ?? here.find((slot) => slot.port === port);
  const isVllm = (other: ConfiguredService) =>
    other.kind === "vllm" &&
    node !== null &&
    other.node === node &&
    ((container !== null && other.container === container) || (port !== null && other.port === port));
  // A hidden entry counts: its container runs all the same.
  if (kind !== "vllm" && !same && !services.some(isVllm)) return null;
  return { slot: same?.name ?? null, nodes: node === null ? [] : [node], container, port };
}

export interface ActionMeans extends Pick<SightMeans, "topology" | "inspect"> {
  readonly board: ServiceBoard;
  /** Says it to docker. @throws Fault */
  act(node: Node, action: ServiceAction, container: string, signal: AbortSignal): Promise<void>;
  /** Before anything is done to a model there. @throws Fault 409 `fenced`: the Spark obeys another controller by now */
  passFence(node: Node, signal: AbortSignal): Promise<void>;
  /** @throws Fault 423 for a token that opens nothing any more */
  mustOpen(token: string): void;
  /**
   * Asks the reservation lock and the swaps, and tells the lock that a stop or restart begins, in one step.
   * @throws Fault 423 `reserved` with `lock`; 409 `others_first`, `swap_running` with `job_id`
   */
  disrupt(
    place: ModelPlace,
    what: string,
    token: string | null,
  ): {
    /** Aborts when a person ends the reservation under which it happens. */ readonly forced: AbortSignal;
    end(): void;
  };
  /** Of a vLLM slot: by the swap engine. */
  actOnSlot(slot: string, request: ActionRequest, signal: AbortSignal): Promise<SlotActed>;
  /** It is over: for events and records. */
  onDone(done: ActionDone): void;
  /** Milliseconds since 1970. */
  now(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

const NO_SLOT: SlotActed = { jobId: null, cutOff: null };
const VERIFY_MS = 30_000;
const BETWEEN_LOOKS_MS = 500;
/** A container that ends at once has not started: it must be seen running so many times. */
const RUNNING_LOOKS = 2;

export class ServiceActions {
  constructor(private readonly means: ActionMeans) {}

  /**
   * The client may leave: what was begun is brought to its end. A start of what runs, and a stop of what does not, is done already.
   * @returns the service, the swap that goes on with it, if one does, and what a stop of a slot has cut off
   * @throws Fault 404; 409 `not_possible`, `swap_running`, `others_first`, `no_container`; 423 `reserved` with `lock`; 502 what docker said, or
   *         that the effect could not be seen
   */
  async run(name: string, request: ActionRequest): Promise<SlotActed & { readonly service: Service }> {
    const { board } = this.means;
    const subject = board.subject(name);
    if (subject.of === "service") await this.#refresh(subject.service);
    if (isSo(subject, board.entry(name), request.action)) return { service: board.get(name), ...NO_SLOT };
    board.mustBePossible(subject, request.action);
    const disruption = subject.of === "service" ? this.#disrupt(subject.service, request) : null;
    try {
      return await this.#carryOut(subject, request, disruption?.forced);
    } finally {
      disruption?.end();
    }
  }

  #disrupt(service: ConfiguredService, { action, token }: ActionRequest) {
    const place = modelPlace(service, this.means.topology());
    // Who shows one whose time is over believes to hold something: it does nothing here either.
    if (place === null && token !== null) this.means.mustOpen(token);
    return place && this.means.disrupt(place, `a ${action} of ${service.name}`, token);
  }

  async #carryOut(subject: Subject, request: ActionRequest, forced: AbortSignal | undefined) {
    const { board } = this.means;
    const { name } = subject;
    const since = isoTime(this.means.now());
    board.setOperation(name, { action: request.action, since, by: request.by });
    let failure: unknown = null;
    let acted = NO_SLOT;
    try {
      if (subject.of === "slot") acted = await this.means.actOnSlot(name, request, board.signal);
      else await this.#onContainer(subject.service, request, forced);
      this.#remember(subject, request);
    } catch (error) {
      failure = error;
    }
    board.setOperation(name, null);
    if (!board.signal.aborted) this.means.onDone(doneOf(subject, request, acted, failure));
    if (failure !== null) throw failure;
    // Whether it answers is for the next look; the container was seen just now.
    if (subject.of === "service") void board.look(name);
    return { service: board.get(name), ...acted };
  }

  async #onContainer(
    service: ConfiguredService,
    request: ActionRequest,
    forced: AbortSignal | undefined,
  ): Promise<void> {
    const { name, node: nodeName, container } = service;
    const { board, act } = this.means;
    const node = nodeName === null ? undefined : usableNode(this.means.topology(), nodeName);
    if (!node || container === null) throw new Fault("conflict", "not_possible", `${name} does not run on a Spark.`);
    const before = await this.#look(node, container);
    if (modelPlace(service, this.means.topology()) !== null) await this.means.passFence(node, board.signal);
    forced?.throwIfAborted();
    let lost: Fault | null = null;
    try {
      await act(node, request.action, container, board.signal);
    } catch (error) {
      if (!isAnswerLost(error) || board.signal.aborted) throw error;
      lost = error;
    }
    try {
      const after = await this.#verify(name, node, container, request.action, before?.startedAt ?? null);
      board.sawContainer(name, after);
    } catch (error) {
      // Nothing was seen of it either: what was said first tells most.
      throw lost ?? error;
    }
  }

  /** The last look may be some seconds old. A Spark that cannot be asked is told by what follows. */
  async #refresh({ name, node: nodeName, container }: ConfiguredService): Promise<void> {
    const { board, topology } = this.means;
    const node = nodeName === null ? undefined : usableNode(topology(), nodeName);
    if (!node || container === null || board.entry(name).seen?.how === "failed") return;
    try {
      board.sawContainer(name, await this.#look(node, container));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  async #look(node: Node, container: string) {
    return (await this.means.inspect(node, [container], this.means.board.signal)).get(container) ?? null;
  }

  async #verify(
    name: string,
    node: Node,
    container: string,
    action: ServiceAction,
    startedBefore: string | null,
  ): Promise<SeenImage | null> {
    const { now, pause, board } = this.means;
    const deadline = now() + VERIFY_MS;
    for (let running = 0; ; ) {
      const seen = await this.#look(node, container).catch((error) => {
        if (!(error instanceof Fault) || board.signal.aborted || now() > deadline) throw error;
        return undefined;
      });
      if (seen === undefined) {
        await pause(BETWEEN_LOOKS_MS, board.signal);
        continue;
      }
      const isNew = action !== "restart" || seen?.startedAt !== startedBefore;
      if (action === "stop" && !seen?.running) return seen;
      if (action !== "stop" && isNew) {
        running = seen?.running ? running + 1 : 0;
        if (running >= RUNNING_LOOKS) return seen;
        if (seen && !seen.running && seen.status === "exited")
          throw new Fault(
            "upstream",
            "ended_at_once",
            `${name} was started and ended at once: exit code ${seen.exitCode}.`,
            {
              node: node.name,
              advice: "Its log says why.",
            },
          );
      }
      if (now() > deadline)
        throw new Fault(
          "upstream",
          "not_verified",
          `${name}: docker said that it is done, but the container is ${seen?.status ?? "gone"}.`,
          {
            node: node.name,
          },
        );
      await pause(BETWEEN_LOOKS_MS, board.signal);
    }
  }

  /** Whoever restarts it by hand gives its auto-restart new courage; what was stopped on purpose stays stopped. */
  #remember({ name, of }: Subject, { action, by }: ActionRequest): void {
    const at = isoTime(this.means.now());
    const isByItself = by === AUTO_RESTART;
    this.means.board.alter(name, (before) => {
      if (action === "stop") {
        const reason = of === "slot" ? "No model is loaded." : "It was stopped from here.";
        return { ...before, state: "stopped", since: at, reason, suspected: null, stopped: { at, by }, givenUp: null };
      }
      return {
        ...before,
        state: "starting",
        since: at,
        reason: action === "start" ? "It was started." : "It was restarted.",
        suspected: null,
        stopped: null,
        // What failed before the restart says nothing of what runs now.
        deep: before.deep?.outcome === "failed" ? null : before.deep,
        ...(isByItself ? {} : { givenUp: null, restarts: [] }),
      };
    });
  }
}

/** What is wanted is there already: nothing is done, as with docker itself. */
function isSo(subject: Subject, { seen, operation }: Entry, action: ServiceAction): boolean {
  if (operation !== null || action === "restart") return false;
  if (subject.of === "slot") return subject.slot.state === (action === "start" ? "serving" : "idle");
  return seen?.how === "looked" && seen.container !== null && seen.container.running === (action === "start");
}

function doneOf(subject: Subject, { action, by }: ActionRequest, { cutOff }: SlotActed, failure: unknown): ActionDone {
  const node = subject.of === "slot" ? (subject.slot.nodes[0] ?? null) : subject.service.node;
  const why = failure === null ? null : failure instanceof Fault ? failure.message : "an internal error";
  return { service: subject.name, node, action, by, cutOff, failure: why };
}
