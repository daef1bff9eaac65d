/** The last names under which someone tried to open Spark Control in vain: Settings offers to allow them. */

export interface RefusedHost {
  /** Lower case, without port. */
  readonly name: string;
  /** ISO 8601 UTC. */
  readonly last_at: string;
  readonly count: number;
}

export interface RefusedHosts {
  note(name: string): void;
  /** Newest first. */
  list(): readonly RefusedHost[];
}

const KEPT = 20;

/** In memory only: a flood of made-up names costs neither disk nor more than twenty entries. */
export function createRefusedHosts(now: () => number = Date.now): RefusedHosts {
  const hosts = new Map<string, RefusedHost>();
  return {
    note(name) {
      const count = (hosts.get(name)?.count ?? 0) + 1;
      hosts.delete(name);
      hosts.set(name, { name, last_at: new Date(now()).toISOString().replace("Z", "+00:00"), count });
      for (const oldest of [...hosts.keys()].slice(0, Math.max(0, hosts.size - KEPT))) hosts.delete(oldest);
    },
    list: () => [...hosts.values()].reverse(),
  };
}
