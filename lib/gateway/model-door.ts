/** From the name of a model to a place at the vLLM that serves it. */
import type { Admission, Release } from "./admission.ts";
import { type Place, type Route, routeModel } from "./route-model.ts";

export interface Entered {
  readonly release: Release;
  readonly route: Route;
}

export interface ModelDoorOptions {
  places(): readonly Place[];
  /** Key of the catalog's model of that name. */
  keyOf(name: string): string | null;
  admission(place: Place): Admission;
}

export class ModelDoor {
  constructor(private readonly options: ModelDoorOptions) {}

  /** @throws Unrouted */
  route(name: string | null): Route {
    const { places, keyOf } = this.options;
    return routeModel(name, places(), keyOf);
  }

  /**
   * What serves may have changed while the request waited for its place: it is routed again then.
   * @throws Unrouted; Fault of the admission
   */
  async enter(name: string | null, signal: AbortSignal, caller: () => string): Promise<Entered> {
    let route = this.route(name);
    while (true) {
      const { slot } = route.place;
      const entered = this.options.admission(route.place).enter(caller, signal);
      if (typeof entered === "function") return { release: entered, route };
      const release = await entered;
      try {
        route = this.route(name);
      } catch (error) {
        release();
        throw error;
      }
      if (route.place.slot === slot) return { release, route };
      release();
    }
  }
}
