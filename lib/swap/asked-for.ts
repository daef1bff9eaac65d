/** Which model and slot somebody asks for by name. */
import type { Catalog, Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { isConfigured, type Slot, type Topology } from "../topology/topology.ts";

/** @throws Fault 404 unknown model or slot, 503 not configured */
export function askedFor(
  configured: { topology(): Topology; catalog(): Catalog },
  request: { readonly model: string; readonly slot?: string | undefined },
): { model: Model; slot: Slot } {
  const topology = configured.topology();
  if (!isConfigured(topology))
    throw new Fault("unavailable", "not_configured", "No Spark is configured yet. Open the dashboard to set one up.");
  const model = configured.catalog().models.find((each) => each.key === request.model);
  if (!model) throw new Fault("not_found", "unknown_model", "There is no model with this key in the catalog.");
  const slot =
    request.slot === undefined ? topology.slots[0] : topology.slots.find((each) => each.name === request.slot);
  if (!slot && request.slot === undefined)
    throw new Fault("unavailable", "not_configured", "No slot can be used. See the problems of the configuration.");
  if (!slot) throw new Fault("not_found", "unknown_slot", "There is no slot with this name.");
  return { model, slot };
}
