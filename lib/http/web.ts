/** What a route may take from the HTTP layer itself, beside the nouns of the control plane. */
import type { OpenApiDocument } from "./openapi.ts";
import type { RefusedHosts } from "./refused-hosts.ts";

/** The process's own switch between the real and the simulated cluster; routes/_server.ts has it. */
export interface Simulation {
  readonly state: "possible" | "running" | "impossible";
  /** Makes the simulated cluster ready; the process shows it once the answer is out. @throws Fault 409, 503 */
  enter(): Promise<void>;
  leave(): Promise<void>;
}

export interface Web {
  readonly simulation: Simulation;
  readonly refusedHosts: RefusedHosts;
  /** The description of the running app; built once, when first asked for. */
  readonly openApi: () => OpenApiDocument;
}
