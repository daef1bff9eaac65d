/** A bench: one question to the product, answered with figures. */
import type { BenchCluster, LabCluster } from "./cluster.ts";
import type { Result } from "./figure.ts";

export interface Context {
  /** The lab's hosts as new ones, or null where the machine cannot carry the lab. One lab serves all benches. */
  lab(): Promise<LabCluster | null>;
  /** The lab, else a simulated cluster. */
  cluster(): Promise<BenchCluster>;
  /** Why there is no lab; empty when there is one. */
  readonly noLab: string;
}

export interface Bench {
  /** The word that selects it on the command line. */
  readonly name: string;
  run(context: Context): Promise<readonly Result[]>;
}
