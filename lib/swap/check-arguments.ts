/** Whether vLLM's own parser, inside the container image on the head, takes the arguments of a model. */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Slot, Topology } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import { targetOf } from "./facts.ts";
import { imageOf, serveArguments } from "./launch-command.ts";

/** @throws Fault 422, 502, 503 */
export async function checkArguments(
  control: SparkControl,
  topology: Topology,
  { model, slot }: { readonly model: Model; readonly slot: Slot },
  signal: AbortSignal,
): Promise<{ valid: boolean; message: string | null }> {
  const [head] = targetOf(topology, model, slot).nodes;
  if (!head) throw new Fault("unavailable", "not_configured", "No Spark is configured.");
  const image = imageOf(model, slot);
  const message = await control.checkArguments(head, slot.container, image, serveArguments(model, { slot }), signal);
  return { valid: message === null, message };
}
