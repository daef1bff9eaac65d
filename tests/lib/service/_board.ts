/** A board over made-up services: what they answer, what time it is and what is set is for the test to say. */
import { Database } from "bun:sqlite";
import { Conditions } from "../../../lib/service/conditions.ts";
import type { Service } from "../../../lib/service/service.ts";
import { ServiceBoard } from "../../../lib/service/service-board.ts";
import { type SeenImage, Sight, type SightMeans } from "../../../lib/service/sight.ts";
import { FACTS } from "../../../lib/store/migrations.ts";
import type { Service as ConfiguredService, Settings, Topology } from "../../../lib/topology/topology.ts";
import { aTopology, SETTINGS } from "../swap/_fixtures.ts";

export function aService(name: string, given: Partial<ConfiguredService> = {}): ConfiguredService {
  return {
    name,
    kind: "http",
    node: "spark-2",
    host: null,
    port: 9_000,
    container: name,
    disabled: false,
    auto_restart: true,
    ...given,
  };
}

const RUNNING: SeenImage = {
  name: "",
  status: "running",
  running: true,
  startedAt: "2026-01-31T10:00:00Z",
  exitCode: 0,
  outOfMemory: false,
  health: null,
  image: "acme",
};

export interface World {
  services: ConfiguredService[];
  settings: Settings;
  readonly db: Database;
  /** Answers of the services by name; those that are missing answer 200. */
  readonly ports: Map<string, () => Promise<number | null>>;
  containers: Record<string, Partial<SeenImage> | null>;
  now: number;
  /** Looks that were due, those that were skipped too. */
  turns: number;
  readonly inspected: string[][];
  readonly changes: Service[];
  readonly told: [string, "up" | "down"][];
  readonly restarts: string[];
  inspect: SightMeans["inspect"];
  readonly reported: unknown[];
}

/** Those that a test has made: it closes them. */
export const boards: ServiceBoard[] = [];

export function world(...services: ConfiguredService[]): World {
  const db = new Database(":memory:");
  for (const step of FACTS) db.run(step);
  const of: World = {
    services,
    settings: { ...SETTINGS, probe_seconds: 1 },
    db,
    ports: new Map(),
    containers: {},
    now: Date.parse("2026-01-31T12:00:00Z"),
    turns: 0,
    inspected: [],
    changes: [],
    told: [],
    restarts: [],
    async inspect(_, names) {
      of.inspected.push([...names]);
      const found = names.flatMap((name): [string, SeenImage][] => {
        const given = of.containers[name];
        return given === null ? [] : [[name, { ...RUNNING, name, ...given }]];
      });
      return new Map(found);
    },
    reported: [],
  };
  return of;
}

export function topologyOf({ services, settings }: World): Topology {
  return aTopology({ services, slots: [], settings });
}

export function boardOf(of: World): ServiceBoard {
  const topology = () => topologyOf(of);
  const told = new Map<string, "up" | "down">();
  const sight = new Sight({
    topology,
    address: async ({ name }) => ({ origin: `http://${name}`, host: null }),
    inspect: (...asked) => of.inspect(...asked),
    async ask(url) {
      const answer = of.ports.get(new URL(url).hostname);
      return { status: answer ? await answer() : 200, body: null };
    },
  });
  const board = new ServiceBoard({
    conditions: new Conditions(of.db),
    sight,
    topology,
    slots: () => [],
    work: () => [],
    inFlight: () => 0,
    now: () => of.now,
    random() {
      of.turns += 1;
      return 0.5;
    },
    onChange: (service) => of.changes.push(service),
    told: (name) => told.get(name) ?? null,
    tell({ name }, is) {
      told.set(name, is);
      of.told.push([name, is]);
    },
    restart: (name) => of.restarts.push(name),
    giveUp: () => undefined,
    report: (error) => of.reported.push(error),
  });
  boards.push(board);
  return board;
}
