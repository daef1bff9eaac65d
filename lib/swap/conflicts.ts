/** Which vLLMs cannot be there at the same time. */
export interface Footprint {
  readonly nodes: readonly string[];
  readonly port: number;
  readonly container: string;
  /** Fraction of each node's memory that it claims; null = not known, counted as all of it. */
  readonly memory: number | null;
}

/**
 * True when `a` and `b` share a node and either the port or the container name there, or claim more memory together
 * than a node has.
 */
export function conflicts(a: Footprint, b: Footprint): boolean {
  if (!a.nodes.some((node) => b.nodes.includes(node))) return false;
  if (a.port === b.port || a.container === b.container) return true;
  return (a.memory ?? 1) + (b.memory ?? 1) > 1;
}
