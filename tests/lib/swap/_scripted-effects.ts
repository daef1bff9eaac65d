/** Effects that do nothing by themselves: a test waits for one to begin and says what it reports, and when. */
import type { Effect, Leg, MachineEvent } from "../../../lib/swap/machine.ts";
import type { EffectBody, Run } from "../../../lib/swap/run.ts";
import type { EffectBodies } from "../../../lib/swap/run-services.ts";

export type EffectName = Exclude<Effect["type"], "abort">;

/** An effect that has begun and waits for the test. It does not mind its signal: that is the test's to decide. */
export interface Begun {
  readonly type: EffectName;
  readonly run: Run;
  readonly leg: Leg;
  readonly signal: AbortSignal;
  report(event: MachineEvent): void;
  fail(error: unknown): void;
}

/** What each effect reports when all goes well, in the order of a swap. */
export const GOOD_REPORTS: readonly (readonly [EffectName, MachineEvent])[] = [
  ["prepare", { type: "prepared" }],
  ["drain", { type: "drained" }],
  ["stop", { type: "stopped" }],
  ["launch", { type: "launched" }],
  ["follow", { type: "answering" }],
  ["verify", { type: "verified" }],
];

export class ScriptedEffects {
  /** Every effect that has begun, in order. */
  readonly begun: Begun[] = [];
  #untaken: Begun[] = [];
  #waiting: { readonly wants: (begun: Begun) => boolean; readonly give: (begun: Begun) => void }[] = [];

  readonly bodies: EffectBodies = {
    prepare: this.#body("prepare"),
    drain: this.#body("drain"),
    stop: this.#body("stop"),
    launch: this.#body("launch"),
    follow: this.#body("follow"),
    verify: this.#body("verify"),
    clean_up: this.#body("clean_up"),
    look: this.#body("look"),
  };

  /** @param onBegin called in the moment in which an effect begins */
  constructor(private readonly onBegin: (begun: Begun) => void = () => undefined) {}

  get names(): EffectName[] {
    return this.begun.map(({ type }) => type);
  }

  /** The next effect of that name that no test has taken yet; waits until it begins. */
  next(type: EffectName, jobId?: string): Promise<Begun> {
    const wants = (begun: Begun) => begun.type === type && (jobId === undefined || begun.run.jobId === jobId);
    const there = this.#untaken.find(wants);
    if (there) {
      this.#untaken = this.#untaken.filter((begun) => begun !== there);
      return Promise.resolve(there);
    }
    return new Promise((give) => this.#waiting.push({ wants, give }));
  }

  /** Lets everything go well up to `type`, which has begun then. */
  async until(type: EffectName, jobId?: string): Promise<Begun> {
    for (const [name, report] of GOOD_REPORTS) {
      const begun = await this.next(name, jobId);
      if (name === type) return begun;
      begun.report(report);
    }
    throw new Error(`${type} is not part of a swap that goes well`);
  }

  #body(type: EffectName): EffectBody {
    return (run, leg, signal) =>
      new Promise((report, fail) => {
        const begun: Begun = { type, run, leg, signal, report, fail };
        this.begun.push(begun);
        this.onBegin(begun);
        const waiting = this.#waiting.find(({ wants }) => wants(begun));
        if (!waiting) return void this.#untaken.push(begun);
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        waiting.give(begun);
      });
  }
}

/** Lets everything run that could run now: what has not happened then does not happen by itself. */
export async function everythingRan(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
}
