/** Starts on data of the earlier version, and what became of them. */
import { afterEach } from "bun:test";
import type { Environment } from "../../../lib/config/fields.ts";
import { type ControlPlane, createControlPlane } from "../../../lib/control-plane.ts";
import { createLogger } from "../../../lib/log.ts";
import type { UpgradeItem, UpgradeReport } from "../../../lib/upgrade/report.ts";
import { type Earlier, makeEarlier } from "./_earlier.ts";

export interface Started {
  readonly plane: ControlPlane;
  readonly logged: string;
  readonly report: UpgradeReport | null;
  close(): Promise<void>;
}

const open = new Set<{ close(): unknown }>();

/** To be called once in a test file: everything ends with its test. */
export function endEach(): void {
  afterEach(async () => {
    for (const one of [...open].reverse()) await one.close();
    open.clear();
  });
}

export function earlier(files: Readonly<Record<string, string>>): Earlier {
  const made = makeEarlier(files);
  open.add({ close: made.remove });
  return made;
}

export async function start({ dataDir }: Pick<Earlier, "dataDir">, env: Environment = {}): Promise<Started> {
  const lines: string[] = [];
  const log = createLogger({ level: "info", write: (line) => lines.push(line) });
  const plane = await createControlPlane({ version: "1.0.0:0", dataDir, env, log, simulated: null });
  const started: Started = {
    plane,
    logged: lines.join("\n"),
    report: plane.upgrade.report(),
    async close() {
      open.delete(started);
      await plane.close("test");
    },
  };
  open.add(started);
  return started;
}

export const topologyOf = ({ plane }: Started) => plane.config.current.topology;
export const servicesOf = (started: Started) =>
  Object.fromEntries(topologyOf(started).services.map((service) => [service.name, service]));
export const modelsOf = ({ plane }: Started) =>
  plane.config.current.catalog.models.filter(({ origin }) => origin === "overrides").map(({ key }) => key);

/** `source item` of what has this outcome. */
export const items = (report: UpgradeReport | null, outcome: UpgradeItem["outcome"] = "not_taken") =>
  report?.items.filter((item) => item.outcome === outcome).map(({ source, item }) => `${source} ${item}`.trim()) ?? [];
export const detailOf = (report: UpgradeReport | null, item: string) =>
  report?.items.filter((one) => one.item === item).map(({ detail }) => detail) ?? [];
