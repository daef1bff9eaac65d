/** Which other Spark Control a Spark obeys, as a refusal's evidence names it. Pure. */
import type { Plan } from "./api.ts";

export interface Foreign {
  readonly node: string;
  /** Its instance id. */
  readonly instance: string;
}

/** @returns null for any other failure */
export function foreignOf(failure: Plan["blockers"][number] | null): Foreign | null {
  if (failure?.code !== "other_controller") return null;
  const match = /^(\S+): .*\bis ([0-9a-f-]{8,64})$/i.exec(failure.evidence ?? "");
  return match?.[1] && match[2] ? { node: match[1], instance: match[2] } : null;
}
