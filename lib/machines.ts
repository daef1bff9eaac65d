/** What is watched of the Sparks themselves, put together: whether they can be reached, and what their hardware does. */

import type { Catalog } from "./catalog/catalog.ts";
import { Connectivity } from "./connectivity/connectivity.ts";
import { ConnectivityStore } from "./connectivity/connectivity-store.ts";
import { broadcastAddresses, WAKE_PORT, wake } from "./connectivity/wake.ts";
import { eventOf, loggedChange } from "./connectivity/wire.ts";
import type { Download, DownloadOrder } from "./downloads/download.ts";
import { DownloadStore } from "./downloads/download-store.ts";
import { Downloads } from "./downloads/downloads.ts";
import { wantedBy } from "./downloads-wanted.ts";
import type { EventBus } from "./events/bus.ts";
import { recordFact } from "./events/facts.ts";
import { Fault } from "./fault.ts";
import { createFirstContact, type FirstContact } from "./first-contact.ts";
import { Hardware } from "./hardware/hardware.ts";
import { answersIn, COMMANDS } from "./hardware/questions.ts";
import { isoTime, newId } from "./ids.ts";
import { Inventory } from "./inventory/inventory.ts";
import type { Logger } from "./log.ts";
import {
  type DeletedFiles,
  type DeleteMeans,
  type DeleteOrder,
  deleteFiles,
  type FileDeletions,
  type InUse,
} from "./model-files.ts";
import { HeadLogins } from "./setup/head-logins.ts";
import { diskUsage } from "./spark/disk-usage.ts";
import { createDownloadSparks } from "./spark/download-sparks.ts";
import { listHub, removeFromHub } from "./spark/hub.ts";
import { macAt, readInterfaces } from "./spark/interfaces.ts";
import { readModelFolder } from "./spark/model-folder.ts";
import { probe } from "./spark/probe.ts";
import type { Sparks } from "./sparks.ts";
import { command } from "./ssh/quote.ts";
import type { Store } from "./store/store.ts";
import { type Suggestions, suggestFolder, suggestionsIn } from "./suggestions.ts";
import type { Adoption } from "./swap/adoption.ts";
import { type Node, type Topology, usableNode } from "./topology/topology.ts";

export interface MachineTiming {
  readonly connectivityMs: number;
  readonly hardwareMs: number;
  /** So long after a request for the cards, the looks go on. */
  readonly lingerMs: number;
  readonly downloadMs: number;
  /** Where the magic packet goes instead of the networks of this machine. */
  readonly wakeTo: { readonly addresses: readonly string[]; readonly port: number } | null;
}

const TIMING: MachineTiming = {
  connectivityMs: 5_000,
  hardwareMs: 5_000,
  lingerMs: 60_000,
  downloadMs: 2_000,
  wakeTo: null,
};
const INVENTORY_INTERVAL_MS = 600_000;
const CARD_DEADLINE_MS = 8_000;
/** Made-up hardware addresses stay on this machine. */
const LOOPBACK_ONLY = { addresses: ["127.255.255.255"], port: WAKE_PORT };

export interface MachinesMeans {
  readonly store: Store;
  readonly sparks: Pick<Sparks, "ssh" | "sparkSsh" | "control">;
  readonly events: EventBus;
  readonly log: Logger;
  readonly simulated: boolean;
  readonly timing?: Partial<MachineTiming> | undefined;
  topology(): Topology;
  catalog(): Catalog;
  /** The highest generation that a Spark of this controller has seen. */
  onGeneration(generation: number): void;
  /** What runs there although these data know nothing of it. @throws Fault */
  adopt(node: Node, signal: AbortSignal): Promise<Adoption>;
  /** What the slots serve, and what is being loaded. */
  inUse(): InUse;
  readonly deletions: FileDeletions;
  readonly permit: DeleteMeans["permit"];
  /** At slots and Sparks: one of them came or went. */
  lookAgain(): void;
  report(error: unknown): void;
}

export interface Woken {
  readonly node: string;
  readonly mac: string;
  /** Broadcast addresses that the packet went to. */
  readonly sent_to: string[];
}

export interface Machines {
  readonly connectivity: Connectivity;
  readonly hardware: Hardware;
  /** Whether the first Spark may log in at the others, as the launch script does. */
  readonly logins: HeadLogins;
  /** Which models lie on the disks. */
  readonly inventory: Inventory;
  readonly firstContact: FirstContact;
  readonly downloads: Downloads;
  /** @throws Fault as `Downloads.begin`; 404 unknown model, 409 a local one, one whose files are being deleted, 422 neither model nor repository */
  download(order: DownloadOrder, signal: AbortSignal): Promise<Download>;
  /** Entries for what lies on the disks, or for a folder. @throws Fault as `suggestFolder` */
  suggest(folder: string | undefined, signal: AbortSignal): Promise<Suggestions>;
  /** Goes on when whoever asked has gone. @throws Fault as `deleteFiles` of model-files.ts */
  deleteFiles(order: DeleteOrder): Promise<DeletedFiles>;
  /** @throws Fault 404 unknown Spark, 409 its hardware address is not known, 502 the packet could not be sent */
  wake(node: string): Promise<Woken>;
  reconfigured(): void;
  start(): void;
  close(): Promise<void>;
}

export function createMachines(means: MachinesMeans): Machines {
  const { store, events, log, topology, report } = means;
  const { ssh, sparkSsh, control } = means.sparks;
  const timing = { ...TIMING, ...means.timing };
  const over = new AbortController();
  const connectivityStore = new ConnectivityStore(store.facts, store.notes);
  const connectivity: Connectivity = new Connectivity({
    store: connectivityStore,
    intervalMs: timing.connectivityMs,
    topology,
    now: Date.now,
    probe: (node, wasDown, signal) => probe(ssh, node, wasDown, signal),
    async macOf(node, signal) {
      const asked = [command(["ip", "-d", "-j", "addr"]), command(["ip", "addr"])];
      try {
        const [address, [json, text]] = await Promise.all([
          sparkSsh.peerAddress(node, signal),
          sparkSsh.answers(node, asked, signal),
        ]);
        const interfaces = readInterfaces(json?.output ?? "");
        return macAt(interfaces.length > 0 ? interfaces : readInterfaces(text?.output ?? ""), address);
      } catch (error) {
        if (error instanceof Fault) return null;
        throw error;
      }
    },
    write: (node, change) =>
      store.transaction(() => {
        connectivityStore.record(node, change);
        recordFact(store.facts, { type: "connectivity.changed", ...eventOf(loggedChange(node, change)) });
      }),
    onChange: (node, change) => {
      const event = eventOf(loggedChange(node, change));
      const { transition, down_seconds, reason } = event;
      log.info("connectivity", { node, transition, down_seconds, reason });
      events.publish({ type: "connectivity.changed", ...event });
      events.publish({ type: "nodes.looked", at: isoTime(Date.now()) });
      means.lookAgain();
    },
    report,
  });
  const hardware = new Hardware({
    intervalMs: timing.hardwareMs,
    lingerMs: timing.lingerMs,
    topology,
    now: Date.now,
    ask: async (node, signal) => answersIn(await sparkSsh.answers(node, COMMANDS, signal, CARD_DEADLINE_MS)),
    onLooked: () => events.publish({ type: "hardware.looked", at: isoTime(Date.now()) }),
    report,
  });
  const logins = new HeadLogins({ topology, control, ssh, now: Date.now, report });
  const inventory: Inventory = new Inventory({
    intervalMs: INVENTORY_INTERVAL_MS,
    topology,
    catalog: means.catalog,
    usage: (node, folders, signal) => diskUsage(sparkSsh, node, folders, signal),
    hub: (node, signal) => listHub(sparkSsh, node, signal),
    onChange: () => events.publish({ type: "inventory.changed", at: isoTime(Date.now()) }),
    report,
  });
  const firstContact = createFirstContact({
    control,
    node: (name) => usableNode(topology(), name),
    onGeneration: means.onGeneration,
    async adopt(node, signal) {
      while (true) {
        const adoption = await means.adopt(node, signal);
        if (typeof adoption === "string") return adoption === "nothing";
        const { slot, model, launch_id } = adoption.adopted;
        log.warn("a model that these data did not know of is taken up", { slot, model: model.key, launch_id });
        means.lookAgain();
      }
    },
    report,
  });
  const downloadStore = new DownloadStore(store.facts);
  const downloads: Downloads = new Downloads({
    store: downloadStore,
    sparks: createDownloadSparks(control, sparkSsh),
    intervalMs: timing.downloadMs,
    topology,
    newId,
    now: Date.now,
    onChange(download) {
      events.publish({ type: "download.changed", at: isoTime(Date.now()), download });
      if (download.ended_at !== null) inventory.lookAgain();
    },
    transaction: (work) => store.transaction(work),
    recordEnd({ id, repo, state, reason, ended_at }) {
      const at = ended_at ?? isoTime(Date.now());
      recordFact(store.facts, { type: "download.ended", at, download_id: id, repo, state, reason });
      log.info("download", { download_id: id, repo, state, reason });
    },
    report,
  });
  return {
    inventory,
    downloads,
    async download(order, signal) {
      const wanted = wantedBy(order, inventory.menu.models, topology());
      means.deletions.refuse(wanted.repo);
      return downloads.begin(wanted, signal);
    },
    firstContact,
    connectivity,
    hardware,
    logins,
    async wake(name) {
      if (!usableNode(topology(), name))
        throw new Fault("not_found", "unknown_node", "There is no configured Spark with this name.");
      const { mac } = connectivity.state(name);
      if (mac === null)
        throw new Fault(
          "conflict",
          "mac_unknown",
          `The hardware address of ${name} is not known yet: it is learnt when the Spark is reached for the first time.`,
        );
      const to =
        timing.wakeTo ?? (means.simulated ? LOOPBACK_ONLY : { addresses: broadcastAddresses(), port: WAKE_PORT });
      try {
        return { node: name, mac, sent_to: await wake(mac, to.addresses, to.port) };
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : "unknown error";
        throw new Fault(
          "upstream",
          "wake_not_sent",
          `The packet that wakes ${name} could not be sent: ${why}`,
          {},
          { cause },
        );
      }
    },
    async suggest(folder, signal) {
      if (folder === undefined) return suggestionsIn(inventory);
      const read = (node: Node, path: string, abort: AbortSignal) => readModelFolder(sparkSsh, node, path, abort);
      return suggestFolder({ inventory, topology, read }, folder, signal);
    },
    deleteFiles: (order) =>
      deleteFiles(
        {
          models: () => inventory.menu.models,
          use: () => inventory.use,
          topology,
          deletions: means.deletions,
          inUse: means.inUse,
          permit: means.permit,
          isDownloading: (repo) => downloads.isRunning(repo),
          remove: (node, repo, abort) => removeFromHub(sparkSsh, node, repo, abort),
          lookAgain: () => inventory.lookAgain(),
        },
        order,
        over.signal,
      ),
    reconfigured() {
      inventory.lookAgain();
      connectivity.reconfigured();
    },
    start() {
      inventory.start();
      connectivity.start();
      downloads.start();
    },
    async close() {
      over.abort();
      firstContact.close();
      await Promise.all([inventory.close(), downloads.close(), connectivity.close(), hardware.close(), logins.close()]);
    },
  };
}
