/** Opens the clusters that benches ask for and closes them at the end. */
import { labAvailability } from "../lab/available.ts";
import type { Context } from "./bench.ts";
import { type BenchCluster, type LabCluster, openLabCluster, openSimulatedCluster } from "./cluster.ts";

export interface OwnedContext extends Context {
  close(): Promise<void>;
}

export async function createContext(): Promise<OwnedContext> {
  const { available, how } = await labAvailability();
  const open: BenchCluster[] = [];
  let opening: Promise<LabCluster> | null = null;
  const lab = async () => {
    if (!available) return null;
    opening ??= openLabCluster().then((cluster) => {
      open.push(cluster);
      return cluster;
    });
    const cluster = await opening;
    await cluster.reset();
    return cluster;
  };
  return {
    noLab: how,
    lab,
    async cluster() {
      const real = await lab();
      if (real) return real;
      const simulated = await openSimulatedCluster();
      open.push(simulated);
      return simulated;
    },
    async close() {
      for (const cluster of open.splice(0).reverse()) await cluster.close();
    },
  };
}
