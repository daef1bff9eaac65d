/** What a slot really runs against what is believed of it. Pure; a difference is shown, never silently mended. */
import type { Slot } from "../topology/topology.ts";
import type { NodeView } from "./cluster.ts";
import type { Belief } from "./facts.ts";
import { failure } from "./failure.ts";
import { servedName } from "./served.ts";
import { type StrangerSighting, strangerOn } from "./strangers.ts";
import type { Failure } from "./swap.ts";

/** The slot's container, port and processes on one of its nodes. */
export interface Sighting {
  readonly node: string;
  readonly view: NodeView;
}

export interface Reality {
  readonly slot: Slot;
  readonly belief: Belief | undefined;
  /** Ids that the slot's port lists; null when it gives no such answer. */
  readonly servedIds: readonly string[] | null;
  /** Nodes of the slot that could be looked at; a node that could not be asked tells nothing. */
  readonly sightings: readonly Sighting[];
  /** On the slot's nodes, outside of every slot's container. */
  readonly strangers: readonly StrangerSighting[];
}

/** `vllm serve NAME …`: the server itself, not its workers. */
const SERVER = /\bvllm serve (\S+)/;

/** The model that a vLLM's command line names: a repository or a folder. Null when none of the lines is a server's. */
export function modelOnCommandLine(lines: readonly string[]): string | null {
  for (const line of lines) {
    const name = SERVER.exec(line)?.[1];
    if (name) return name;
  }
  return null;
}

/** Which server a line is of, by model and port: the shell around it, and a child in the moment of its birth, show the same line. */
function serverOf(line: string): string[] {
  const model = SERVER.exec(line)?.[1];
  return model ? [`${model} ${/--port[ =](\d+)/.exec(line)?.[1] ?? ""}`] : [];
}

/**
 * The sightings that are of this slot: a container of the same name in which another slot is believed to serve is that
 * slot's.
 */
export function ownSightings(
  slot: Slot,
  slots: readonly Slot[],
  beliefs: readonly Belief[],
  sightings: readonly Sighting[],
): readonly Sighting[] {
  const alike = slots.filter(({ name, container }) => name !== slot.name && container === slot.container);
  const taken = beliefs
    .filter((belief) => alike.some(({ name }) => name === belief.slot))
    .flatMap(({ nodes }) => nodes);
  return sightings.filter(({ node }) => !taken.includes(node));
}

/** @returns null when all is as believed, or nothing can be told */
export function differenceOf({ slot, belief, servedIds, sightings, strangers }: Reality): Failure | null {
  const crowd = sightings.find(({ view }) => new Set(view.vllm.flatMap(serverOf)).size > 1);
  if (crowd)
    return failure(
      "several_vllms",
      `More than one vLLM runs in ${slot.container} on ${crowd.node}.`,
      top(slot, crowd),
      "Swap to the model you want: the swap stops them all first.",
    );
  const inPlace = strangers.find(({ node, port }) => node === slot.nodes[0] && port === slot.port);
  const headRuns = sightings.some(({ node, view }) => node === slot.nodes[0] && view.vllm.length > 0);
  // What answers on the slot's port is the stranger, and whatever else may be said of the slot follows from it.
  if (inPlace && !headRuns) return strangerOn(inPlace);
  const own = belief ? againstBelief(belief, slot, servedIds, sightings) : unexpected(slot, servedIds, sightings);
  return own ?? (strangers[0] ? strangerOn(strangers[0]) : null);
}

function againstBelief(
  { model, nodes }: Belief,
  slot: Slot,
  servedIds: readonly string[] | null,
  sightings: readonly Sighting[],
): Failure | null {
  const own = sightings.filter(({ node }) => nodes.includes(node));
  const head = own.find(({ node }) => node === nodes[0]);
  const other = servedIds?.length && !servedIds.includes(servedName(model)) ? servedIds[0] : null;
  if (other)
    return failure(
      "another_model",
      `${other} answers here. ${model.name} was loaded by Spark Control; somebody has replaced it by hand.`,
      [`/v1/models lists ${other}`, ...(head ? [top(slot, head)] : [])].join("; "),
      "Swap to the model you want. Until then nothing is changed.",
    );
  const gone = own.find(({ view }) => !view.container?.running);
  if (gone)
    return failure(
      "container_gone",
      `${model.name} was loaded here, and its container is gone on ${gone.node}.`,
      `${gone.node}: docker inspect ${slot.container} ${gone.view.container ? "shows that it has stopped" : "finds nothing"}`,
      "Load it again. If nobody stopped it, vLLM has ended by itself and its container with it, or the Spark or docker was restarted. If it happens again, look at its log in the history.",
    );
  if (head && head.view.vllm.length === 0)
    return failure(
      "vllm_ended",
      `${model.name} was loaded here, and vLLM has ended.`,
      `${head.node}: docker top ${slot.container} shows no vLLM, the container still runs`,
      "Load it again. If it ends again, look at its log in the history.",
    );
  if (head && servedIds === null && !head.view.portOpen)
    return failure(
      "port_closed",
      `${model.name} runs here but does not listen on port ${slot.port}.`,
      `${top(slot, head)}; nobody listens on port ${slot.port}`,
      "If somebody starts it by hand right now, wait. Otherwise load it again.",
    );
  const elsewhere = sightings.find(({ node, view }) => !nodes.includes(node) && view.vllm.length > 0);
  return elsewhere
    ? failure(
        "runs_elsewhere_too",
        `A vLLM that is no part of ${model.name} runs on ${elsewhere.node}.`,
        top(slot, elsewhere),
        "It may be left of the model before, if that Spark was away when it was stopped. The next swap of this slot stops it.",
      )
    : null;
}

/** Nothing was loaded from here, and yet something runs. */
function unexpected(slot: Slot, servedIds: readonly string[] | null, sightings: readonly Sighting[]): Failure | null {
  const running = sightings.find(({ view }) => view.vllm.length > 0);
  const name = servedIds?.[0] ?? (running ? modelOnCommandLine(running.view.vllm) : null);
  if (name === null && !running) return null;
  return failure(
    "by_hand",
    `${name ?? "A vLLM"} was not started by Spark Control.`,
    running ? top(slot, running) : `/v1/models lists ${name}`,
    running
      ? "It may stay. The next swap of this slot stops it first."
      : `It was not seen in container ${slot.container}: a swap of this slot stops only what runs there. End it before you swap.`,
  );
}

function top({ container }: Slot, { node, view }: Sighting): string {
  return `${node}: docker top ${container} shows ${view.vllm[0] ?? "no vLLM"}`;
}
