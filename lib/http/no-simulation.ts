/** For an app that is not a process of its own. */
import { Fault } from "../fault.ts";
import type { Simulation } from "./web.ts";

const refuse = (): never => {
  throw new Fault("unavailable", "no_simulation", "This process cannot switch to or from a simulated cluster.");
};

export const NO_SIMULATION: Simulation = {
  state: "impossible",
  enter: async () => refuse(),
  leave: async () => refuse(),
};
