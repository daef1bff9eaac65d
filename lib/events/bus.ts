/** Tells everyone in this process what happened. Facts are published after their transaction has been committed. */
import type { EventOf, EventType, SparkEvent } from "./event.ts";

export type Unsubscribe = () => void;

export interface EventBus {
  /** Calls every subscriber before it returns, in the order of subscription. Never throws. */
  publish(event: SparkEvent): void;
  /** @param types only these; all when left out */
  subscribe<Type extends EventType = EventType>(
    listener: (event: EventOf<Type>) => void,
    types?: readonly Type[],
  ): Unsubscribe;
}

interface Subscription {
  readonly listener: (event: never) => void;
  readonly types: ReadonlySet<string> | null;
}

/** @param onFailure told when a subscriber throws; the others get the event all the same */
export function createEventBus(onFailure: (error: unknown, event: SparkEvent) => void = () => {}): EventBus {
  const subscriptions = new Set<Subscription>();
  return {
    publish(event) {
      // A copy: a subscriber may come or go while it is being told.
      for (const { listener, types } of [...subscriptions]) {
        if (types && !types.has(event.type)) continue;
        try {
          listener(event as never);
        } catch (error) {
          onFailure(error, event);
        }
      }
    },
    subscribe(listener, types) {
      const subscription: Subscription = { listener, types: types ? new Set<string>(types) : null };
      subscriptions.add(subscription);
      return () => {
        subscriptions.delete(subscription);
      };
    },
  };
}
