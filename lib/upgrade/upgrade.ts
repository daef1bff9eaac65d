/**
 * Takes over what the earlier version (up to 0.27) left in the data folder: once, before anything else reads it. Its files stay
 * as they are; one that has to be brought into another shape is kept beside. What cannot be taken is said in a report.
 */
import { readFileSync } from "node:fs";
import { Value } from "@sinclair/typebox/value";
import { writeAtomically } from "../atomic-file.ts";
import { readConfigFile } from "../config/read-file.ts";
import type { Logger } from "../log.ts";
import { APP_SETTINGS } from "./app-settings.ts";
import { EarlierFolder } from "./earlier-folder.ts";
import { earlierKeys, KNOWN_HOSTS } from "./earlier-key.ts";
import { ItemLog, reasonOf, type UpgradeReport, UpgradeReportSchema } from "./report.ts";
import { MODELS, SERVICES, TOPOLOGY, takeFiles } from "./take-files.ts";
import { takeWebhook, type WebhookDesk } from "./take-webhook.ts";

const REPORT = "upgrade-report.json";
/** More than a page could show; what a folder says that has more was no configuration. */
const MOST_ITEMS = 2_000;

export interface UpgradeOptions {
  readonly dataDir: string;
  /** By this version: a start had come so far as to have read its keys before. */
  readonly isUsed: boolean;
  /** The environment names the key that is used: another one is neither taken nor a sign of the earlier version. */
  readonly keyIsNamed: boolean;
  readonly shippedCatalogPath: string;
  /** ISO 8601 UTC. */
  readonly now: () => string;
  readonly log: Logger;
}

export interface Upgrade {
  /** Of this upgrade or an earlier one; null: there was nothing to take over. */
  report(): UpgradeReport | null;
  /** The last step, once webhooks can be kept: takes over the receiver and writes the report. */
  finish(webhooks: WebhookDesk): void;
}

/**
 * A data folder that has been used by this version, or by nobody, has nothing to take over. topology.yaml is no such use: it may
 * be written before the first start, by the package's form or by hand.
 */
function isEarlier(folder: EarlierFolder, { isUsed, keyIsNamed }: UpgradeOptions): boolean {
  const has = (name: string) => folder.presence(name) !== "absent";
  const isFile = (name: string) => folder.presence(name) === "file";
  if (isFile(REPORT)) return false;
  if (has(APP_SETTINGS)) return true;
  if (isUsed) return false;
  if (KNOWN_HOSTS.some(has) || (!keyIsNamed && earlierKeys(folder, null).length > 0)) return true;
  // Overrides beside it are those of somebody who prepares a folder for this version.
  return !isFile(TOPOLOGY) && [MODELS, SERVICES].some(has);
}

/**
 * To be called before configuration, key and host keys are read. Never throws: whatever cannot be done is in the report, and
 * the start goes on.
 */
export function takeOverEarlier(options: UpgradeOptions): Upgrade {
  const { dataDir, keyIsNamed, shippedCatalogPath, now, log } = options;
  const folder = new EarlierFolder(dataDir);
  let report = readReport(folder);
  if (!isEarlier(folder, options)) return { report: () => report, finish: () => undefined };
  log.info("data of the earlier version are taken over");
  const items = new ItemLog();
  /** What nobody thought of costs its own part only. */
  const attempt = (source: string, run: () => void) => {
    try {
      run();
    } catch (error) {
      log.error("a part of the earlier version's data could not be taken over", { source, error });
      items.add(source, "", "not_taken", reasonOf(error));
    }
  };
  const shipped = readConfigFile(shippedCatalogPath).file ?? { name: "models.yaml", text: "" };
  const settings = takeFiles({ folder, shipped, keyIsNamed, items, attempt });
  return {
    report: () => report,
    finish(webhooks) {
      attempt(APP_SETTINGS, () => takeWebhook(settings?.webhook ?? null, webhooks, items));
      for (const { source, item, outcome, detail } of items.items)
        if (outcome === "not_taken") log.warn("not taken over", { source, item, detail });
      const count = (wanted: string) => items.items.filter(({ outcome }) => outcome === wanted).length;
      log.info("taken over", { taken: count("taken"), kept: count("kept"), not_taken: count("not_taken") });
      report = { at: now(), items: bounded(items.items), originals: folder.originals };
      try {
        if (!["absent", "file"].includes(folder.presence(REPORT))) folder.setAside(REPORT);
        writeAtomically(folder.at(REPORT), `${JSON.stringify(report, null, 2)}\n`, 0o600);
      } catch (error) {
        // With app_settings.json the next start does it all again, which changes nothing that is there by then.
        log.error("the report could not be written", { error });
      }
    },
  };
}

function bounded(items: UpgradeReport["items"]): UpgradeReport["items"] {
  if (items.length <= MOST_ITEMS) return items;
  const detail = `${items.length - MOST_ITEMS} further lines are in the log only.`;
  return [...items.slice(0, MOST_ITEMS), { source: "", item: "", outcome: "not_taken", detail }];
}

/** A report that cannot be read counts as one that says nothing: its folder was taken over all the same. */
function readReport(folder: EarlierFolder): UpgradeReport | null {
  if (folder.presence(REPORT) !== "file") return null;
  try {
    const value: unknown = JSON.parse(readFileSync(folder.at(REPORT), "utf8"));
    return Value.Check(UpgradeReportSchema, value) ? value : null;
  } catch {
    return null;
  }
}
