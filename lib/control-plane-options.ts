/** What a control plane is made of. */
import type { Logger } from "./log.ts";
import type { MachineTiming } from "./machines.ts";
import type { SshOptions } from "./ssh/connection-pool.ts";
import type { Store } from "./store/store.ts";
import type { Timing } from "./swap/timing.ts";

export interface ControlPlaneOptions {
  readonly version: string;
  readonly dataDir: string;
  /** The store of `dataDir` if it is open already; the control plane closes it. */
  readonly store?: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** The simulated cluster's time factor; null with real Sparks. */
  readonly simulated: { readonly speed: number } | null;
  /** Other times than the product's, for tests that cannot wait as long. */
  readonly timing?: Partial<Timing>;
  readonly ssh?: Pick<SshOptions, "keepaliveIntervalMs" | "keepaliveCountMax" | "readyTimeoutMs">;
  readonly machineTiming?: Partial<MachineTiming>;
  readonly webhookRetryDelaysMs?: readonly number[];
  readonly outageLastsMs?: number;
  /** How long after a forced release of the reservation others have to wait. */
  readonly respiteMs?: number | undefined;
}
