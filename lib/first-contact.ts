/**
 * What each Spark remembers is asked for once, as soon as it is reachable: data that were restored from a backup are told by
 * a Spark that has seen a later generation than they know, and by a model there of whose load they know nothing.
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
  /** The Spark is this controller's. @returns false: to be asked again */
  adopt(node: Node, signal: AbortSignal): Promise<boolean>;
  report(error: unknown): void;
  /** Until it is asked again. Default 15,000. */
  readonly againMs?: number;
}

export interface FirstContact {
  /** Asks in the background, and again until it answers. */
  look(name: string): void;
  close(): void;
}

export function createFirstContact(options: FirstContactOptions): FirstContact {
  const { control, node, onGeneration, adopt, report, againMs = AGAIN_MS } = options;
  const closed = new AbortController();
  /** @returns false: to be asked again */
  const ask = async (name: string): Promise<boolean> => {
    const one = node(name);
    if (!one) return true;
    const { foreign, generation } = await control.fence(one, closed.signal);
    // What a Spark of another controller has seen tells nothing about the age of these data.
    if (foreign !== null || closed.signal.aborted) return true;
    onGeneration(generation);
    return adopt(one, closed.signal);
  };
  const again = new Map<string, ReturnType<typeof setTimeout>>();
  const look = (name: string): void => {
    clearTimeout(again.get(name));
    again.delete(name);
    ask(name)
      .catch((error) => {
        if (!closed.signal.aborted && !(error instanceof Fault)) report(error);
        return false;
      })
      .then((isDone) => {
        if (isDone || closed.signal.aborted) return;
        // Another look may have been under way: one timer for both.
        clearTimeout(again.get(name));
        again.set(name, setTimeout(look, againMs, name).unref());
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
