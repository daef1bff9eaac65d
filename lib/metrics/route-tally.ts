/**
 * Figures of requests in plain numbers, by upstream and route. prom-client hashes the labels of each call, which at thousands
 * of requests a second is a tenth of what a request costs; here they are named once, when they are scraped.
 */
import type { Metric, Registry } from "prom-client";

/** Chats take from tens of milliseconds to half an hour. */
const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800];

/** What stands under the key, made at the first time. */
function made<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

export class SecondsTally {
  /** One more than there are bounds: what is above all of them. */
  readonly counts = new Float64Array(BOUNDS.length + 1);
  sum = 0;

  observe(seconds: number): void {
    let at = 0;
    while (at < BOUNDS.length && seconds > BOUNDS[at]!) at++;
    this.counts[at]! += 1;
    this.sum += seconds;
  }
}

export interface RouteLabels {
  readonly upstream: string;
  readonly route: string;
}

export class RouteTally {
  readonly #requests = new Map<string, Map<number | null, number>>();
  readonly duration = new SecondsTally();
  readonly firstByte = new SecondsTally();
  readonly queue = new SecondsTally();
  bytesIn = 0;
  bytesOut = 0;
  tokensIn = 0;
  tokensOut = 0;

  constructor(readonly labels: RouteLabels) {}

  ended(outcome: string, status: number | null): void {
    const byStatus = made(this.#requests, outcome, () => new Map<number | null, number>());
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }

  *requests(): Iterable<{ readonly outcome: string; readonly status: string; readonly count: number }> {
    for (const [outcome, byStatus] of this.#requests)
      for (const [status, count] of byStatus)
        yield { outcome, status: status === null ? "none" : String(status), count };
  }
}

/** One for each upstream and route that was asked for. */
export class RouteTallies implements Iterable<RouteTally> {
  readonly #byRoute = new Map<string, Map<string, RouteTally>>();

  of(upstream: string, route: string): RouteTally {
    const ofRoute = made(this.#byRoute, route, () => new Map<string, RouteTally>());
    return made(ofRoute, upstream, () => new RouteTally({ upstream, route }));
  }

  *[Symbol.iterator](): Iterator<RouteTally> {
    for (const ofRoute of this.#byRoute.values()) yield* ofRoute.values();
  }
}

/** A histogram whose figures are read from the tallies when it is scraped; routes without any are left out. */
export function registerHistogram(
  registry: Registry,
  name: string,
  help: string,
  tallies: Iterable<RouteTally>,
  of: (tally: RouteTally) => SecondsTally,
): void {
  const values = () =>
    [...tallies].flatMap((tally) => {
      const { counts, sum } = of(tally);
      const { labels } = tally;
      let below = 0;
      const buckets = [...BOUNDS, "+Inf" as const].map((le, at) => {
        below += counts[at]!;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
      });
      if (below === 0) return [];
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: below },
      ];
    });
  const metric = {
    name,
    get: async () => ({ name, help, type: "histogram", aggregator: "sum", values: values() }),
    // Nothing is kept here.
    reset: () => undefined,
  };
  registry.registerMetric(metric as unknown as Metric);
}
