/**
 * A model that was loaded from here and of which these data know nothing: they were restored from a backup of before that load, or
 * the Spark was taken over. From then on it is believed to serve, so that nobody is told that it was started by hand, and a swap that
 * fails can go back to it. Nothing on the Spark is touched.
 */
import type { Catalog, Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import type { Node, Slot, Topology } from "../topology/topology.ts";
import type { Claims } from "./claims.ts";
import type { SparkControl } from "./cluster.ts";
import { modelOnCommandLine } from "./difference.ts";
import type { Belief } from "./facts.ts";
import { jobIdOf } from "./order.ts";
import { servedIds, servedName } from "./served.ts";
import type { SwapStore } from "./swap-store.ts";

const HTTP_DEADLINE_MS = 3_000;

export interface AdoptionMeans {
  readonly control: Pick<SparkControl, "address" | "get" | "launchedWith" | "look" | "runningLaunches">;
  readonly store: Pick<SwapStore, "beliefs" | "believe" | "claim" | "unsettled">;
  readonly claims: Pick<Claims, "mustBeSettled">;
  topology(): Topology;
  catalog(): Catalog;
}

/** `later`: it is still loading, or somebody else has the slot now. */
export type Adoption = { readonly adopted: Belief } | "nothing" | "later";

/** @param head first Spark of the slots that are looked at; it obeys this controller @throws Fault when it does not answer */
export async function adoptLoad(means: AdoptionMeans, head: Node, signal: AbortSignal): Promise<Adoption> {
  const { control, store, topology } = means;
  // That of a swap which has ended here may well be unknown: these data say that it came to nothing, and it went on without them.
  const isKnown = (id: string) =>
    store.beliefs().some((belief) => belief.launch_id === id) ||
    store.unsettled().some(({ job }) => job.job_id === jobIdOf(id));
  const launches = await control.runningLaunches(head, signal);
  const taken = store.beliefs().filter((belief) => launches.includes(belief.launch_id));
  const slots = topology().slots.filter(
    ({ name, nodes }) => nodes[0] === head.name && taken.every((belief) => belief.slot !== name),
  );
  const found = await launchesOf(
    means,
    head,
    launches.filter((id) => !isKnown(id)),
    slots,
    signal,
  );
  let isLater = false;
  for (const one of found) {
    const outcome = await adoptOne(means, head, one, signal);
    if (typeof outcome !== "string") return outcome;
    isLater ||= outcome === "later";
  }
  return isLater ? "later" : "nothing";
}

interface Launched {
  readonly id: string;
  /** In which it may be. */
  readonly slots: readonly Slot[];
}

/**
 * Which launch is whose is told by the container and the port that it was started with. Where its folder does not tell, one alone may be in
 * any slot; of several nobody can say, and a stop must not end the wrong one.
 */
async function launchesOf(
  { control }: AdoptionMeans,
  head: Node,
  ids: readonly string[],
  slots: readonly Slot[],
  signal: AbortSignal,
): Promise<Launched[]> {
  const all = await Promise.all(
    ids.map(async (id): Promise<Launched> => {
      const words = await control.launchedWith(head, id, signal);
      const given = (option: string) => words?.[words.indexOf(option) + 1]?.replaceAll("'", "");
      if (!words?.includes("--name")) return { id, slots: ids.length === 1 ? slots : [] };
      const [container, port] = [given("--name"), words.includes("--port") ? Number(given("--port")) : null];
      return { id, slots: slots.filter((slot) => slot.container === container && (port ?? slot.port) === slot.port) };
    }),
  );
  const isDisputed = (slot: Slot) => all.filter((each) => each.slots.includes(slot)).length > 1;
  return all.filter((each) => each.slots.length > 0 && !each.slots.some(isDisputed));
}

async function adoptOne(
  means: AdoptionMeans,
  head: Node,
  { id: launchId, slots }: Launched,
  signal: AbortSignal,
): Promise<Adoption> {
  const { store, claims } = means;
  const found = (await Promise.all(slots.map((slot) => runningIn(means, head, slot, signal)))).flatMap(
    (one) => one ?? [],
  );
  const [place, ...alike] = found;
  // The launch runs, and its vLLM is still to come.
  if (place === undefined) return "later";
  if (place === "foreign" || alike.length > 0) return "nothing";
  const { slot, model, since } = place;
  if (model === null) return "later";
  const nodes = slot.nodes.slice(0, model.nodes);
  const adopted = { slot: slot.name, model, job_id: jobIdOf(launchId), since, nodes, launch_id: launchId };
  try {
    store.claim(() => {
      claims.mustBeSettled(slot);
      store.believe(adopted);
    });
  } catch (error) {
    if (error instanceof Fault) return "later";
    throw error;
  }
  return { adopted };
}

interface Running {
  readonly slot: Slot;
  /** Null: it does not serve yet. */
  readonly model: Model | null;
  readonly since: string;
}

/** Null: nothing runs in the slot. `foreign`: what the catalog does not have, or has more than once. */
async function runningIn(
  { control, catalog }: AdoptionMeans,
  head: Node,
  slot: Slot,
  signal: AbortSignal,
): Promise<Running | "foreign" | null> {
  const { container, vllm, clockSkewSeconds } = await control.look(head, slot, signal);
  if (!container?.running || modelOnCommandLine(vllm) === null) return null;
  const address = await control.address(head, signal);
  const ids = servedIds(await control.get(`http://${address}:${slot.port}/v1/models`, HTTP_DEADLINE_MS, signal));
  // Docker's time is the Spark's; what is told is ours.
  const since = isoTime(Date.parse(container.startedAt) - clockSkewSeconds * 1000);
  if (ids === null) return { slot, model: null, since };
  const [model, ...others] = catalog().models.filter(
    (each) => ids.includes(servedName(each)) && each.nodes <= slot.nodes.length && isAsLaunched(each, vllm),
  );
  return model && others.length === 0 ? { slot, model, since } : "foreign";
}

/** Of entries with one name that one was loaded whose share of the memory and length are on the command line; none, if it was changed since. */
function isAsLaunched(
  { gpu_memory_utilization: share, max_model_len: length }: Model,
  lines: readonly string[],
): boolean {
  const given = (flag: string) =>
    lines.map((line) => new RegExp(`--${flag}[ =]([\\d.]+)`).exec(line)?.[1]).find(Boolean);
  const isSame = (text: string | undefined, value: number | null) =>
    text === undefined || value === null || Number(text) === value;
  return isSame(given("gpu-memory-utilization"), share) && isSame(given("max-model-len"), length);
}
