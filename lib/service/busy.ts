/** Whether a slow answer has a good reason: somebody works on the same GPU. Pure. */

export interface Work {
  /** Slot or service. */
  readonly name: string;
  readonly nodes: readonly string[];
  /** Requests that it works on now. */
  readonly requests: number;
  /** Name of the model that is being loaded there, which takes the GPU, the memory and the disk for minutes. */
  readonly loads?: string;
}

/** Why a service on this node may be slow; null when nothing is known to work there. @param node null: no Spark, only its own work counts */
export function busyWith(name: string, node: string | null, work: readonly Work[]): string | null {
  const own = work.find((each) => each.name === name && each.requests > 0);
  if (own) return `It works on ${count(own.requests)}.`;
  const here = work.filter(({ nodes }) => node !== null && nodes.includes(node));
  const other = here.find(({ requests }) => requests > 0);
  if (other) return `The GPU is busy: ${other.name} works on ${count(other.requests)}.`;
  const loads = here.find((each) => each.loads !== undefined)?.loads;
  return loads === undefined ? null : `The GPU is busy: ${loads} is being loaded.`;
}

const count = (requests: number) => `${requests} ${requests === 1 ? "request" : "requests"}`;
