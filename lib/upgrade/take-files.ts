/** The earlier version's files, one after the other, into those that are read here. */
import { readConfigFile } from "../config/read-file.ts";
import type { TextFile } from "../config/yaml-document.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { APP_SETTINGS, type AppSettings, readAppSettings, type Wanted } from "./app-settings.ts";
import type { EarlierFolder } from "./earlier-folder.ts";
import { leaveKeys, takeKey, takeKnownHosts } from "./earlier-key.ts";
import { type JudgedFile, judgeModels, judgeServices } from "./override-files.ts";
import { ItemLog, reasonOf, undone } from "./report.ts";
import { writeSettings } from "./write-settings.ts";

export const MODELS = "models-overrides.yaml";
export const SERVICES = "services-overrides.yaml";
export const TOPOLOGY = "topology.yaml";

export interface Taking {
  readonly folder: EarlierFolder;
  readonly shipped: TextFile;
  readonly keyIsNamed: boolean;
  readonly items: ItemLog;
  /** Runs a part; what it throws is told as of `source`. */
  readonly attempt: (source: string, run: () => void) => void;
}

/** @returns what the settings say; null: there are none, or they cannot be read */
export function takeFiles({ folder, shipped, keyIsNamed, items, attempt }: Taking): AppSettings | null {
  // Overrides alone may be those of somebody who prepares a new folder.
  const isSure = folder.presence(APP_SETTINGS) !== "absent";
  const models = folder.read(MODELS, items);
  if (models) attempt(MODELS, () => takeJudged(folder, MODELS, judgeModels(models, shipped, isSure), items));
  const services = folder.read(SERVICES, items);
  let settings: AppSettings | null = null;
  attempt(APP_SETTINGS, () => {
    const file = folder.read(APP_SETTINGS, items);
    const found = services ? judgeServices(services, undefined, isSure).items : [];
    const names = found.filter(({ outcome }) => outcome === "taken").map(({ item }) => item);
    settings = file && readAppSettings(file.text, names);
    if (settings) items.items.push(...settings.items);
  });
  const wantedOf = (name: string) => settings?.wanted.filter(({ target }) => target.file === name) ?? [];
  folder.read(TOPOLOGY, items);
  attempt(TOPOLOGY, () => add(folder, TOPOLOGY, wantedOf(TOPOLOGY), items));
  const topology = () => readConfigFile(folder.at(TOPOLOGY)).file ?? undefined;
  attempt(SERVICES, () => {
    // Judged by themselves, before anything is added to them; the Sparks that they name are known by now.
    if (services) takeJudged(folder, SERVICES, judgeServices(services, topology(), isSure), items);
    add(folder, SERVICES, wantedOf(SERVICES), items);
  });
  const handleKeys = keyIsNamed ? leaveKeys : takeKey;
  attempt("id_ed25519", () => handleKeys(folder, settings?.keyPath ?? null, items));
  attempt("known_hosts", () => {
    const { nodes } = loadTopology({ files: { topology: topology() }, env: {} });
    const sparks = nodes.flatMap((node) =>
      "host" in node && typeof node.host === "string" ? [{ host: node.host, port: node.ssh_port }] : [],
    );
    takeKnownHosts(folder, sparks, items);
  });
  return settings;
}

function takeJudged(
  folder: EarlierFolder,
  name: string,
  { rewritten, items: found }: JudgedFile,
  items: ItemLog,
): void {
  try {
    const where = rewritten && folder.write(name, rewritten.text);
    items.items.push(...found);
    const lost = rewritten?.lostComments ?? 0;
    if (lost > 0 && where) items.add(name, "", "taken", withoutPlace(lost, where));
  } catch (error) {
    items.items.push(...undone(found, reasonOf(error)));
  }
}

const withoutPlace = (count: number, where: string): string =>
  count === 1
    ? `1 comment has no place in it any more: it is in the file as it was, ${where}.`
    : `${count} comments have no place in it any more: they are in the file as it was, ${where}.`;

/** What cannot be read in the place of the file makes room: values that are valid are there afterwards. */
function add(folder: EarlierFolder, name: string, wanted: readonly Wanted[], items: ItemLog): void {
  if (wanted.length === 0) return;
  const own = new ItemLog();
  const refuse = (why: string) => {
    for (const variable of wanted) items.add(APP_SETTINGS, variable.name, "not_taken", why);
  };
  const { file } = readConfigFile(folder.at(name));
  const fresh = { name, text: "" };
  try {
    let result = writeSettings(file ?? fresh, wanted, own);
    const isInTheWay = file === null ? folder.presence(name) !== "absent" : "damage" in result && result.isUseless;
    if (isInTheWay) {
      const where = folder.setAside(name);
      items.add(
        name,
        "",
        "not_taken",
        `${"damage" in result ? result.damage : "It was in the way."} It is ${where} now.`,
      );
      if ("damage" in result) result = writeSettings(fresh, wanted, own);
    }
    if ("damage" in result) refuse(`${name}: ${result.damage}`);
    else if (result.text !== file?.text) folder.write(name, result.text);
    items.items.push(...own.items);
  } catch (error) {
    if (own.items.length === 0) refuse(reasonOf(error));
    items.items.push(...undone(own.items, reasonOf(error)));
  }
}
