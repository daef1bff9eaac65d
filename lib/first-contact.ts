/**
 * What each Spark remembers is asked for once, as soon as it is reachable: data that were restored from a backup are told by
 * a Spark that has seen a later generation than they know.
 */
import { Fault } from "./fault.ts";
import type { SparkControl } from "./swap/cluster.ts";
import type { Node } from "./topology/topology.ts";

const AGAIN_MS = 15_000;

export interface FirstContactOptions {
  readonly control: Pick<SparkControl, "fence">;
  node(name: string): Node | undefined;
  /** The highest generation that a Spark of this controller has seen. */
  onGeneration(generation: number): void;
  report(error: unknown): void;
}

export interface FirstContact {
  /** Asks in the background, and again until it answers. */
  look(name: string): void;
  close(): void;
}

export function createFirstContact({ control, node, onGeneration, report }: FirstContactOptions): FirstContact {
  const closed = new AbortController();
  const ask = async (name: string) => {
    const one = node(name);
    if (!one) return;
    const { foreign, generation } = await control.fence(one, closed.signal);
    // What a Spark of another controller has seen tells nothing about the age of these data.
    if (foreign === null && !closed.signal.aborted) onGeneration(generation);
  };
  const again = new Map<string, ReturnType<typeof setTimeout>>();
  const look = (name: string): void => {
    clearTimeout(again.get(name));
    again.delete(name);
    ask(name).catch((error) => {
      if (closed.signal.aborted) return;
      if (!(error instanceof Fault)) report(error);
      again.set(name, setTimeout(look, AGAIN_MS, name).unref());
    });
  };
  return {
    look,
    close() {
      closed.abort(new Error("the controller is shutting down"));
      for (const timer of again.values()) clearTimeout(timer);
    },
  };
}
