/**
 * Takes over what the earlier version (up to 0.27) left in the data folder: once, before anything else reads it. Its files stay
 * as they are; one that has to be brought into another shape is kept beside. What cannot be taken is said in a report.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { writeAtomically } from "../atomic-file.ts";
import { readConfigFile } from "../config/read-file.ts";
import { writeConfigFile } from "../config/write-file.ts";
import { Fault } from "../fault.ts";
import type { Logger } from "../log.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { APP_SETTINGS, type AppSettings, readAppSettings } from "./app-settings.ts";
import { earlierKeys, KNOWN_HOSTS, takeKey, takeKnownHosts } from "./earlier-key.ts";
import { type JudgedFile, judgeModels, judgeServices } from "./override-files.ts";
import { ItemLog, type UpgradeReport, UpgradeReportSchema } from "./report.ts";
import { writeSettings } from "./write-settings.ts";

const REPORT = "upgrade-report.json";
const ORIGINALS = "before-upgrade";
const MODELS = "models-overrides.yaml";
const SERVICES = "services-overrides.yaml";
const TOPOLOGY = "topology.yaml";

export interface UpgradeOptions {
  readonly dataDir: string;
  readonly shippedCatalogPath: string;
  /** ISO 8601 UTC. */
  readonly now: () => string;
  readonly log: Logger;
}

interface Receiver {
  readonly url: string;
}

/** What the report needs of the webhooks. */
export interface WebhookDesk {
  list(): readonly Receiver[];
  /** @throws Fault */
  add(wanted: { url: string; name: string; secret?: string }): unknown;
}

export interface Upgrade {
  /** Of this upgrade or an earlier one; null: there was nothing to take over. */
  report(): UpgradeReport | null;
  /** The last step, once webhooks can be kept: takes over the receiver and writes the report. */
  finish(webhooks: WebhookDesk): void;
}

/** A data folder that has been used by this version, or by nobody, has nothing to take over. */
function isEarlier(dataDir: string): boolean {
  const has = (name: string) => existsSync(join(dataDir, name));
  if (has(REPORT)) return false;
  if (has(APP_SETTINGS)) return true;
  const isFresh = !has(TOPOLOGY) && !has("known_hosts.json");
  return isFresh && ([MODELS, SERVICES, ...KNOWN_HOSTS].some(has) || earlierKeys(dataDir, null).length > 0);
}

/** To be called before configuration, key and host keys are read. @throws when DATA_DIR cannot be written */
export function takeOverEarlier(options: UpgradeOptions): Upgrade {
  const { dataDir, log } = options;
  let report = readReport(dataDir);
  if (!isEarlier(dataDir)) return { report: () => report, finish: () => undefined };
  log.info("data of the earlier version are taken over");
  const items = new ItemLog();
  const { settings, hasOriginals } = takeFiles(options, items);
  return {
    report: () => report,
    finish(webhooks) {
      takeWebhook(settings, webhooks, items);
      report = { at: options.now(), items: items.items, originals: hasOriginals ? ORIGINALS : null };
      writeAtomically(join(dataDir, REPORT), `${JSON.stringify(report, null, 2)}\n`, 0o600);
      for (const { source, item, outcome, detail } of items.items)
        if (outcome === "not_taken") log.warn("not taken over", { source, item, detail });
      const count = (wanted: string) => items.items.filter(({ outcome }) => outcome === wanted).length;
      log.info("taken over", { taken: count("taken"), kept: count("kept"), not_taken: count("not_taken") });
    },
  };
}

function takeFiles({ dataDir, shippedCatalogPath }: UpgradeOptions, items: ItemLog) {
  const originals = join(dataDir, ORIGINALS);
  // Overrides alone may be those of somebody who prepares a new folder.
  const isSure = existsSync(join(dataDir, APP_SETTINGS));
  const read = (name: string) => {
    const { file, problem } = readConfigFile(join(dataDir, name));
    if (problem) items.add(name, "", "not_taken", problem.message);
    return file;
  };
  let hasOriginals = false;
  const write = (name: string, text: string) => {
    const path = join(dataDir, name);
    if (existsSync(path) && !existsSync(join(originals, name))) {
      mkdirSync(originals, { recursive: true, mode: 0o700 });
      copyFileSync(path, join(originals, name));
    }
    hasOriginals ||= existsSync(join(originals, name));
    writeConfigFile(path, text);
  };
  const take = (name: string, { rewritten, items: found }: JudgedFile) => {
    if (rewritten !== null) write(name, rewritten);
    items.items.push(...found);
  };

  const models = read(MODELS);
  const shipped = readConfigFile(shippedCatalogPath).file ?? { name: "models.yaml", text: "" };
  if (models) take(MODELS, judgeModels(models, shipped, isSure));
  const settingsFile = read(APP_SETTINGS);
  const settings = settingsFile ? readAppSettings(settingsFile.text) : null;
  items.items.push(...(settings?.items ?? []));
  const textOf = (name: string) => readConfigFile(join(dataDir, name)).file?.text ?? "";
  const add = (name: typeof TOPOLOGY | typeof SERVICES) => {
    const before = textOf(name);
    const wanted = settings?.wanted.filter(({ target }) => target.file === name) ?? [];
    const after = writeSettings(name, before, wanted, items);
    if (after !== before) write(name, after);
  };
  add(TOPOLOGY);
  const topology = { name: TOPOLOGY, text: textOf(TOPOLOGY) };
  // Judged by themselves, before anything is added to them; the Sparks that they name are known by now.
  const services = read(SERVICES);
  if (services) take(SERVICES, judgeServices(services, topology, isSure));
  add(SERVICES);
  const moved = takeKey(dataDir, settings?.keyPath ?? null, originals, items);
  const { nodes } = loadTopology({ files: { topology }, env: {} });
  takeKnownHosts(
    dataDir,
    nodes.flatMap((node) => ("host" in node && typeof node.host === "string" ? [node.host] : [])),
    items,
  );
  return { settings, hasOriginals: hasOriginals || moved };
}

function takeWebhook(settings: AppSettings | null, webhooks: WebhookDesk, items: ItemLog): void {
  if (!settings?.webhook) return;
  const { url, secret } = settings.webhook;
  const names = secret === null ? ["WEBHOOK_URL"] : ["WEBHOOK_URL", "WEBHOOK_SECRET"];
  const tell = (outcome: "taken" | "kept" | "not_taken", detail: string) => {
    for (const name of names) items.add(APP_SETTINGS, name, outcome, detail);
  };
  if (webhooks.list().some((one) => one.url === url)) {
    tell("kept", "There is a webhook with this URL already.");
    return;
  }
  try {
    webhooks.add({ url, name: "WEBHOOK_URL", ...(secret === null ? {} : { secret }) });
    tell("taken", "It is a webhook now, to be changed in the dashboard.");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    tell("not_taken", error.message);
  }
}

/** A report that cannot be read counts as one that says nothing: its folder was taken over all the same. */
function readReport(dataDir: string): UpgradeReport | null {
  try {
    const value: unknown = JSON.parse(readConfigFile(join(dataDir, REPORT)).file?.text ?? "null");
    return Value.Check(UpgradeReportSchema, value) ? value : null;
  } catch {
    return null;
  }
}
