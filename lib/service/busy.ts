/** Whether a slow answer has a good reason: somebody works on the same GPU. Pure. */

export interface Work {
  /** Slot or service. */
  readonly name: string;
  readonly nodes: readonly string[];
  /** Requests that it works on now. */
  readonly requests: number;
}

/** Why a service on this node may be slow; null when nothing is known to work there. @param node null: no Spark, only its own work counts */
export function busyWith(name: string, node: string | null, work: readonly Work[]): string | null {
  const own = work.find((each) => each.name === name && each.requests > 0);
  if (own) return `It works on ${count(own.requests)}.`;
  const other = work.find((each) => each.requests > 0 && node !== null && each.nodes.includes(node));
  return other ? `The GPU is busy: ${other.name} works on ${count(other.requests)}.` : null;
}

const count = (requests: number) => `${requests} ${requests === 1 ? "request" : "requests"}`;
