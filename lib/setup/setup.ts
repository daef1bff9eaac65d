/** Set-up: the settings of the Sparks, the checks of them before and after they are saved, and saving. */
import { join } from "node:path";
import type { Environment } from "../config/fields.ts";
import type { Problem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import { writeConfigFile } from "../config/write-file.ts";
import { Fault } from "../fault.ts";
import type { HostKey, HostKeys } from "../ssh/host-keys.ts";
import type { Identity } from "../ssh/identity.ts";
import type { SshTarget } from "../ssh/ssh.ts";
import { MAIN, SLOT_DEFAULTS } from "../topology/load-slots.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { lostPlaces, type Place } from "../topology/lost-places.ts";
import type { Node, Topology } from "../topology/topology.ts";
import type { CheckResult } from "./check.ts";
import { type Checker, checkSparks } from "./check-sparks.ts";
import { fieldError, refuse, refuseMalformed } from "./refusals.ts";
import { type Settings, type SetupEntries, settingsOf } from "./settings.ts";
import { createShownKeys } from "./shown-keys.ts";
import { editTopology, UNUSABLE } from "./topology-text.ts";

const TOPOLOGY = "topology.yaml";
const SERVICES = "services-overrides.yaml";
const MOST_RUNS = 4;

export interface SetupOptions {
  readonly dataDir: string;
  readonly env: Environment;
  readonly identity: Pick<Identity, "privateKey" | "publicKeyLine">;
  readonly hostKeys: HostKeys;
  readonly instance: string;
  readonly connecting?: Checker["ssh"];
  /** Milliseconds since the epoch. */
  now(): number;
  /** The controller's own connection to a Spark is made anew: whoever mends something there may have needed a new login. */
  renew(target: SshTarget): void;
  /** Takes up what was written. */
  reload(): void;
  /** Whether a place of models may become another: what runs there would not be the reservation's matter any more. @throws Fault 423 */
  mayChange(place: Place, token: string | null): void;
}

export interface Setup {
  settings(): Settings;
  /**
   * Checks Sparks as they would be if the entries were saved.
   * @throws Fault 422 with the fields, 409 set by the environment, 503 too many at once
   */
  check(entries: SetupEntries): (emit: (result: CheckResult) => void, signal: AbortSignal) => Promise<void>;
  /** Pins the key that the host showed in a check. @throws Fault 409 another one, or none */
  confirm(host: string, port: number, fingerprint: string): HostKey;
  /**
   * Validates, and writes topology.yaml unless it is a trial.
   * @param token of the reservation, where a place is changed that is reserved
   * @throws Fault as `check`; 409 file not usable; 423 as `mayChange`; 503 not writable
   */
  save(entries: SetupEntries, trial: boolean, token?: string | null): Settings;
}

export function createSetup(options: SetupOptions): Setup {
  const { dataDir, env, identity } = options;
  const keys = createShownKeys(options.hostKeys);
  const checker: Checker = { ...identity, keys, instance: options.instance, now: options.now, ssh: options.connecting };
  const read = (name: string) => readConfigFile(join(dataDir, name));
  const load = (text: string) =>
    loadTopology({ files: { topology: { name: TOPOLOGY, text }, services: read(SERVICES).file ?? undefined }, env });
  let runs = 0;

  /** What the entries would make of the configuration. */
  const planned = (text: string, entries: SetupEntries): { text: string; topology: Topology } => {
    refuseMalformed(entries, env);
    const before = load(text);
    const names = entries.nodes.map((entry) => entry.name);
    const immovable = before.nodes.find((node) => !names.includes(node.name) && isOfEnvironment(node.name, env));
    if (immovable)
      throw new Fault(
        "conflict",
        "set_by_environment",
        `${immovable.name} is set by environment variables (SPARK…_HOST). Unset them to remove it.`,
      );
    const edited = editTopology(
      text,
      entries,
      before.nodes.map((node) => node.name),
      env,
    );
    const topology = load(edited.text);
    const known = new Set(before.problems.map(textOf));
    const fresh = topology.problems.filter((problem) => !known.has(textOf(problem)));
    refuse(
      "invalid",
      "malformed_setting",
      fresh.map((problem) => fieldError(pointerOf(problem, edited.nodes, names), sentenceOf(problem))),
    );
    return { text: edited.text, topology };
  };

  /** A file that is broken by hand hinders saving, not looking. */
  const plannedForCheck = (text: string, entries: SetupEntries) => {
    try {
      return planned(text, entries);
    } catch (error) {
      if (error instanceof Fault && error.code === UNUSABLE) return planned("", entries);
      throw error;
    }
  };

  /** Once it is configured, the first key that a host shows is trusted: not when one was shown and left unconfirmed. */
  const refuseUnconfirmed = ({ nodes }: Topology) => {
    for (const node of nodes) {
      const shown = node.status === "configured" ? keys.shown(node.host, node.ssh_port) : null;
      if (shown !== null)
        throw new Fault(
          "conflict",
          "host_key_unconfirmed",
          `The identity of ${node.name} is not confirmed. Compare its fingerprint and trust it first, or check again.`,
          { node: node.name, shown_fingerprint: shown.fingerprint },
        );
    }
  };

  return {
    settings: () => {
      const text = read(TOPOLOGY).file?.text ?? "";
      return settingsOf(text, env, load(text));
    },
    check(entries) {
      const { topology } = plannedForCheck(read(TOPOLOGY).file?.text ?? "", entries);
      if (runs >= MOST_RUNS)
        throw new Fault("unavailable", "too_many_checks", "Several checks are running already. Try again in a moment.");
      const nodes = entries.nodes.flatMap(({ name }) => topology.nodes.filter((node) => node.name === name) as Node[]);
      const image = topology.slots.find((slot) => slot.name === MAIN)?.image ?? SLOT_DEFAULTS.image;
      return async (emit, signal) => {
        runs += 1;
        try {
          await checkSparks({ nodes, image }, checker, emit, signal);
          for (const { host, ssh_port, user } of nodes) options.renew({ host, port: ssh_port, user });
        } finally {
          runs -= 1;
        }
      };
    },
    confirm: (host, port, fingerprint) => keys.confirm(host, port, fingerprint),
    save(entries, trial, token = null) {
      const { file, problem } = read(TOPOLOGY);
      if (problem !== null) throw new Fault("conflict", UNUSABLE, `topology.yaml cannot be read. ${problem.message}`);
      const { text, topology } = planned(file?.text ?? "", entries);
      if (!trial) {
        refuseUnconfirmed(topology);
        for (const place of lostPlaces(load(file?.text ?? ""), topology)) options.mayChange(place, token);
      }
      if (!trial && text !== file?.text) {
        writeConfigFile(join(dataDir, TOPOLOGY), text);
        options.reload();
      }
      return settingsOf(text, env, topology);
    },
  };
}

const isOfEnvironment = (name: string, env: Environment): boolean => {
  const number = /^spark-([12])$/.exec(name)?.[1];
  return number !== undefined && [`SPARK${number}_HOST`, `SPARK${number}_USER`].some((each) => env[each]?.trim());
};

const textOf = ({ source, message }: Problem): string => `${source}: ${message}`;
const sentenceOf = ({ source, path, message }: Problem): string =>
  source === TOPOLOGY ? message : `${source}, ${path}: ${message}`;

/** `nodes.1.host` of the file as a pointer into the submitted entries. */
function pointerOf({ source, path }: Problem, inFile: readonly string[], submitted: readonly string[]): string {
  const [section, index, key] = path.split(".");
  if (source !== TOPOLOGY || section !== "nodes" || index === undefined) return "";
  const at = submitted.indexOf(inFile[Number(index)] ?? "");
  return at < 0 ? "" : `/nodes/${at}${key === undefined ? "" : `/${key}`}`;
}
