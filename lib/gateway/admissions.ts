/** The admissions of all that is behind the gateway, by slot or service; each is made when it is asked for first. */
import { Admission } from "./admission.ts";
import type { Limits } from "./services.ts";

/** How much one of them has to do. */
export interface Load {
  /** `slot:<name>` or `service:<name>`. */
  readonly upstream: string;
  readonly inFlight: number;
  readonly queued: number;
}

export class Admissions {
  readonly #byKey = new Map<string, Admission>();

  /** @param limits asked at each request */
  constructor(private readonly limits: () => Limits) {}

  /** @param name for people */
  of(key: string, name: string, limit: keyof Limits): Admission {
    let admission = this.#byKey.get(key);
    if (!admission) {
      admission = new Admission(name, () => this.limits()[limit]);
      this.#byKey.set(key, admission);
    }
    return admission;
  }

  get(key: string): Admission | undefined {
    return this.#byKey.get(key);
  }

  load(): readonly Load[] {
    return [...this.#byKey].map(([upstream, { inFlight, queued }]) => ({ upstream, inFlight, queued }));
  }
}
