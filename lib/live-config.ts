/** The configuration as it stands now: read from DATA_DIR and the environment, read again when a file changes. */
import { type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Catalog } from "./catalog/catalog.ts";
import { diffCatalog } from "./catalog/diff-catalog.ts";
import { loadCatalog } from "./catalog/load-catalog.ts";
import type { Environment } from "./config/fields.ts";
import { readHosts } from "./config/hosts-file.ts";
import type { Problem } from "./config/problem.ts";
import { readConfigFile } from "./config/read-file.ts";
import { diffTopology, type TopologyDiff } from "./topology/diff-topology.ts";
import { loadTopology } from "./topology/load-topology.ts";
import type { Topology } from "./topology/topology.ts";

export interface Configuration {
  readonly topology: Topology;
  readonly catalog: Catalog;
  /** Names of hosts.json: under these too the dashboard may be opened. */
  readonly hosts: readonly string[];
  /** All problems: of files that cannot be read, of the topology, of the catalog. */
  readonly problems: readonly Problem[];
}

/** What a change of files really changed: names and keys that were added, removed or altered. */
export interface ConfigDiff extends TopologyDiff {
  readonly models: readonly string[];
  /** The names of hosts.json differ. */
  readonly hosts: boolean;
  /** The list of problems differs. With everything else empty, nothing has to be dropped, only shown. */
  readonly problems: boolean;
}

export interface LiveConfig {
  /** Replaced as a whole by a reload, never altered: keep the object for as long as one consistent view is needed. */
  readonly current: Configuration;
  /** Reads everything now, as after a change on disk. @returns what changed */
  reload(): ConfigDiff;
  /** Stops watching. */
  close(): void;
}

export interface LiveConfigOptions {
  readonly dataDir: string;
  readonly env: Environment;
  /** Path of the shipped config/models.yaml. */
  readonly shippedCatalogPath: string;
  /** Called after `current` was replaced, only when something differs. */
  readonly onChange: (diff: ConfigDiff, current: Configuration) => void;
  /** Quiet time in milliseconds after a change before the files are read: editors write in several steps. Default 100. */
  readonly debounceMs?: number;
  /** How often the files are looked at in case no notice of a change arrives (network disks, a folder made later). Default 5000. */
  readonly pollMs?: number;
}

const FILES = {
  topology: "topology.yaml",
  services: "services-overrides.yaml",
  models: "models-overrides.yaml",
  hosts: "hosts.json",
} as const;

/**
 * Reads the configuration and keeps it current. A file that has become broken contributes what is still valid in it, and
 * its problems are shown; what it said before is not kept, because nobody could see that it still holds.
 */
export function createLiveConfig(options: LiveConfigOptions): LiveConfig {
  const { dataDir, onChange, debounceMs = 100, pollMs = 5000 } = options;
  let current = read(options);
  let signature = signatureOf(dataDir);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const reload = (): ConfigDiff => {
    signature = signatureOf(dataDir);
    const before = current;
    const after = read(options);
    const diff = diffConfig(before, after);
    if (isEmpty(diff)) return diff;
    current = after;
    onChange(diff, after);
    return diff;
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (signatureOf(dataDir) !== signature) reload();
    }, debounceMs);
  };
  const watcher = watchFolder(dataDir, soon);
  const poll = setInterval(() => {
    if (signatureOf(dataDir) !== signature) soon();
  }, pollMs);
  poll.unref();

  return {
    get current() {
      return current;
    },
    reload,
    close() {
      clearTimeout(timer);
      clearInterval(poll);
      watcher?.close();
    },
  };
}

/** @returns what differs between two configurations */
export function diffConfig(before: Configuration, after: Configuration): ConfigDiff {
  return {
    ...diffTopology(before.topology, after.topology),
    models: diffCatalog(before.catalog, after.catalog),
    hosts: !isDeepStrictEqual(before.hosts, after.hosts),
    problems: !isDeepStrictEqual(before.problems, after.problems),
  };
}

function isEmpty(diff: ConfigDiff): boolean {
  const lists = [diff.nodes, diff.slots, diff.services, diff.models];
  return lists.every((list) => list.length === 0) && !diff.settings && !diff.hosts && !diff.problems;
}

function read({ dataDir, env, shippedCatalogPath }: LiveConfigOptions): Configuration {
  const shipped = readConfigFile(shippedCatalogPath);
  const topologyFile = readConfigFile(join(dataDir, FILES.topology));
  const services = readConfigFile(join(dataDir, FILES.services));
  const models = readConfigFile(join(dataDir, FILES.models));
  const hostsFile = readConfigFile(join(dataDir, FILES.hosts));
  const topology = loadTopology({
    files: { topology: topologyFile.file ?? undefined, services: services.file ?? undefined },
    env,
  });
  const catalog = loadCatalog({
    shipped: shipped.file ?? { name: "models.yaml", text: "" },
    overrides: models.file ?? undefined,
  });
  const { hosts, problems } = readHosts(hostsFile.file);
  const files = [shipped, topologyFile, services, models, hostsFile];
  const unreadable = files.flatMap(({ problem }) => problem ?? []);
  return {
    topology,
    catalog,
    hosts,
    problems: [...unreadable, ...topology.problems, ...catalog.problems, ...problems],
  };
}

/** Changes whenever one of the files was written, replaced, removed or made (un)readable. */
function signatureOf(dataDir: string): string {
  return Object.values(FILES)
    .map((name) => {
      try {
        const stat = statSync(join(dataDir, name), { bigint: true });
        return [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
      } catch {
        return "-";
      }
    })
    .join(" ");
}

/**
 * Watching is a convenience: where it is not possible the poll does the work alone. Other files of the folder do not
 * count: the databases there are written all the time and would put the reading off for ever.
 */
function watchFolder(dataDir: string, notice: () => void): FSWatcher | null {
  try {
    const names = new Set<string | null>([...Object.values(FILES), null]);
    const watcher = watch(dataDir, (_, name) => {
      if (names.has(name)) notice();
    });
    watcher.on("error", () => watcher.close());
    watcher.unref();
    return watcher;
  } catch {
    return null;
  }
}
