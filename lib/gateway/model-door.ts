/** From the name of a model to a place at the vLLM that serves it. */
import type { Admission, Release } from "./admission.ts";
import { type Place, type Route, routeModel } from "./route-model.ts";

export interface Entered {
  readonly release: Release;
  readonly route: Route;
}

/** How somebody enters where they were routed to. @param hasWaited for a place elsewhere, in vain */
export type Enters = (admission: Admission, slot: string, hasWaited: boolean) => Release | Promise<Release>;

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
   * A place, at once where one is free. What serves may have changed while the request waited for it: it is routed again then.
   * @throws Unrouted; Fault of the admission
   */
  enter(name: string | null, enters: Enters, hasWaited = false): Entered | Promise<Entered> {
    const route = this.route(name);
    const entered = enters(this.options.admission(route.place), route.place.slot, hasWaited);
    return typeof entered === "function" ? { release: entered, route } : this.#again(name, enters, route, entered);
  }

  async #again(name: string | null, enters: Enters, before: Route, entering: Promise<Release>): Promise<Entered> {
    const release = await entering;
    let route: Route;
    try {
      route = this.route(name);
    } catch (error) {
      release();
      throw error;
    }
    if (route.place.slot === before.place.slot) return { release, route };
    release();
    return this.enter(name, enters, true);
  }
}
