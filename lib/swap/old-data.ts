/**
 * A swap that an earlier process left is taken up only where these data are no old copy: before the first thing is done for it, its
 * Sparks are asked which generation they have seen. What a Spark has seen beyond all that was given out here tells that it was
 * used since, by a later state of these data; the swap ended long ago, and to go on would stop what has been loaded in its place.
 */
import { usableNode } from "../topology/topology.ts";
import { failure } from "./failure.ts";
import type { Leg, MachineEvent } from "./machine.ts";
import { answerOf, GivenUp } from "./patience.ts";
import type { EffectBody, Run } from "./run.ts";
import { attempt } from "./run.ts";
import type { EffectBodies } from "./run-services.ts";
import type { Failure } from "./swap.ts";
import type { SwapStore } from "./swap-store.ts";

export const LOOK_AGAIN = "The slot shows what really runs. Swap again if another model is wanted.";

/** What ends at once where a Spark is away, as without this question; a later try asks again. */
const IMPATIENT: ReadonlySet<string> = new Set<keyof EffectBodies>(["prepare", "clean_up", "look"]);

/** @returns the same effects; none of them begins before every Spark of the attempt has answered, once */
export function askedFirst(effects: EffectBodies, store: Pick<SwapStore, "lastGivenOutSince">): EffectBodies {
  let isOurs = false;
  const guarded = ([name, body]: [string, EffectBody]): [string, EffectBody] => [
    name,
    async (run, leg, signal) => {
      const ended = isOurs ? null : await whyNot(run, leg, store, !IMPATIENT.has(name), signal);
      if (ended) return ended;
      isOurs = true;
      return body(run, leg, signal);
    },
  ];
  return Object.fromEntries(Object.entries(effects).map(guarded)) as EffectBodies;
}

/** @returns null: the swap is still the last thing that happened there, or what came after it was given out here */
async function whyNot(
  run: Run,
  leg: Leg,
  store: Pick<SwapStore, "lastGivenOutSince">,
  isPatient: boolean,
  signal: AbortSignal,
): Promise<MachineEvent | null> {
  const { order, control, timing } = run;
  // One that has left the configuration meanwhile is told of by the effect itself.
  const nodes = order.slot.nodes
    .slice(0, attempt(run, leg).model.nodes)
    .flatMap((name) => usableNode(run.topology(), name) ?? order.nodes?.find((each) => each.name === name) ?? []);
  for (const node of nodes) {
    const ask = () => control.fence(node, signal);
    try {
      const { foreign, generation } = await (isPatient ? answerOf(node, ask, run, timing, signal) : ask());
      if (foreign !== null) return { type: "overtaken", failure: othersNow(node.name, foreign) };
      const last = store.lastGivenOutSince(run.generation);
      if (generation > last)
        return { type: "overtaken", failure: superseded(node.name, generation, run.generation, last) };
    } catch (error) {
      if (error instanceof GivenUp) return { type: "failed", failure: error.last };
      throw error;
    }
  }
  return null;
}

export const othersNow = (node: string, instance: string): Failure =>
  failure("fenced", `${node} obeys another Spark Control.`, `${node}: fenced instance ${instance}`, LOOK_AGAIN);

const superseded = (node: string, seen: number, own: number, known: number): Failure =>
  failure(
    "superseded",
    `These data are older than what ${node} remembers: later swaps have overtaken this one, and it is not gone on with.`,
    `${node} remembers generation ${seen}; this swap has ${own}, and these data know of none above ${known}`,
    LOOK_AGAIN,
  );
