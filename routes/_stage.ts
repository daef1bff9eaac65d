/** What the process shows: the real cluster, or for as long as somebody wants it the simulated one, on the same port. */
import type { ControlPlane } from "../lib/control-plane.ts";
import { Fault } from "../lib/fault.ts";
import type { Simulation } from "../lib/http/web.ts";
import type { Logger } from "../lib/log.ts";
import type { App } from "./_app.ts";

/** So long the old app lives on after a switch was answered, for the answer to get out. */
const ANSWER_GRACE_MS = 150;
/** The port is free as soon as the old listener is gone; nobody else should have it, but the system may take a moment. */
const LISTEN_TRIES = 20;
const BETWEEN_TRIES_MS = 100;

export interface Started {
  readonly plane: ControlPlane;
  /** Ends what the plane does not own: the simulated cluster. */
  close(): Promise<void>;
}

export interface StageOptions {
  real(): Promise<Started>;
  simulated(): Promise<Started>;
  appOf(plane: ControlPlane, simulation: Simulation): App;
  /** @param port null: as the settings say. @returns the port */
  listen(app: App, port: number | null): number;
  readonly log: Logger;
  /** Called when nothing can be shown any more. */
  fatal(error: unknown): void;
}

interface Shown extends Started {
  readonly app: App;
  readonly port: number;
}

/**
 * The next plane is made ready before the shown one ends: if it cannot be, nothing changes. Pages notice the end of
 * their stream, connect again and get the other cluster's snapshot.
 */
export class Stage implements Simulation {
  #shown: Shown | null = null;
  #next: Started | null = null;
  #switching = false;
  #ending = false;

  constructor(private readonly options: StageOptions) {}

  get state(): Simulation["state"] {
    return this.#shown?.plane.simulated ? "running" : "possible";
  }

  /** @throws what starting or listening throws; nothing is left open then */
  async open(which: "real" | "simulated"): Promise<Shown> {
    const started = await this.options[which]();
    try {
      return this.#show(started, null);
    } catch (error) {
      await started.plane.close("could not listen");
      await started.close();
      throw error;
    }
  }

  enter(): Promise<void> {
    return this.#go("simulated");
  }

  leave(): Promise<void> {
    return this.#go("real");
  }

  async close(reason: string): Promise<void> {
    this.#ending = true;
    for (const one of [this.#shown, this.#next]) await one?.plane.close(reason);
    await this.#shown?.app.stop(true);
    for (const one of [this.#shown, this.#next]) await one?.close();
  }

  async #go(which: "real" | "simulated"): Promise<void> {
    const isThere = (this.state === "running") === (which === "simulated");
    if (this.#switching || isThere)
      throw new Fault(
        "conflict",
        this.#switching ? "switching" : "already_there",
        this.#switching ? "A switch is under way." : `The ${which} cluster is shown already.`,
      );
    this.#switching = true;
    try {
      this.#next = await this.options[which]();
    } catch (cause) {
      this.#switching = false;
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Fault(
        "unavailable",
        "not_switched",
        `The ${which} cluster could not be started. ${said}`,
        {},
        { cause },
      );
    }
    setTimeout(() => void this.#replace(), ANSWER_GRACE_MS);
  }

  async #replace(): Promise<void> {
    const [before, next] = [this.#shown, this.#next];
    if (this.#ending || before === null || next === null) return;
    try {
      await before.app.stop(true);
      await this.#showAgain(next, before.port);
      this.#next = null;
      await before.plane.close("another cluster is shown");
      await before.close();
      this.options.log.info("switched", { simulated: next.plane.simulated });
    } catch (error) {
      if (!this.#ending) this.options.fatal(error);
    } finally {
      this.#switching = false;
    }
  }

  async #showAgain(next: Started, port: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        this.#show(next, port);
        return;
      } catch (error) {
        if (tries >= LISTEN_TRIES) throw error;
        await Bun.sleep(BETWEEN_TRIES_MS);
      }
    }
  }

  #show(started: Started, port: number | null): Shown {
    const app = this.options.appOf(started.plane, this);
    const shown = { ...started, app, port: this.options.listen(app, port) };
    this.#shown = shown;
    started.plane.listensOn(shown.port);
    return shown;
  }
}
