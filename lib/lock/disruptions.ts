/**
 * Stops and restarts of a model that are no swap: of a slot, or of a vLLM beside the slots. Each takes seconds to a minute
 * between the gate and the deed; as long as it is under way nobody is told that its place is theirs, and nothing is loaded
 * there. In memory: they end with the process.
 */
import { covers, type Grant, type Place } from "./grant.ts";
import { reserved } from "./refusals.ts";

export interface Disruption {
  /** Aborts with a Fault when a person ends the reservation under which it happens. */
  readonly forced: AbortSignal;
  end(): void;
}

interface UnderWay {
  readonly place: Place;
  readonly what: string;
  /** Generation; null when it happens under none. */
  readonly reservation: number | null;
  readonly controller: AbortController;
}

export class Disruptions {
  readonly #underWay = new Set<UnderWay>();

  /** @param what in words, as a sentence's subject: "a stop of main" */
  begin(place: Place, what: string, reservation: number | null, onEnd: () => void): Disruption {
    const begun: UnderWay = { place, what, reservation, controller: new AbortController() };
    this.#underWay.add(begun);
    return {
      forced: begun.controller.signal,
      end: () => {
        if (this.#underWay.delete(begun)) onEnd();
      },
    };
  }

  /** What is under way where a reservation of this scope would reach; null when nothing is. */
  within(scope: Pick<Grant, "slots" | "nodes">): string | null {
    return [...this.#underWay].find(({ place }) => covers(scope, place))?.what ?? null;
  }

  /**
   * What is under way in a slot itself; null when nothing is. One that began in a slot whose name is no more goes on under any
   * that has one of its Sparks.
   * @param known names of slots
   */
  inSlot({ slot, nodes }: Place, known: readonly string[]): string | null {
    const isIt = ({ place }: UnderWay) =>
      place.slot !== null &&
      (place.slot === slot || (!known.includes(place.slot) && place.nodes.some((node) => nodes.includes(node))));
    return [...this.#underWay].find(isIt)?.what ?? null;
  }

  force(generation: number): void {
    for (const { reservation, controller } of this.#underWay)
      if (reservation === generation) controller.abort(reserved(null));
  }
}
