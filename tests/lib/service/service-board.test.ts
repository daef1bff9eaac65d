/** The rhythm of looks: none on top of another, one that hangs keeps no other back, and what was seen outlives a restart. */
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { Conditions } from "../../../lib/service/conditions.ts";
import type { Service } from "../../../lib/service/service.ts";
import { ServiceBoard } from "../../../lib/service/service-board.ts";
import { type SeenImage, Sight } from "../../../lib/service/sight.ts";
import { FACTS } from "../../../lib/store/migrations.ts";
import type { Service as ConfiguredService } from "../../../lib/topology/topology.ts";
import { until } from "../../support/until.ts";
import { aTopology, SETTINGS } from "../swap/_fixtures.ts";

function aService(name: string, given: Partial<ConfiguredService> = {}): ConfiguredService {
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

interface World {
  services: ConfiguredService[];
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
  readonly reported: unknown[];
}

const boards: ServiceBoard[] = [];
afterEach(async () => {
  for (const board of boards.splice(0)) await board.close();
});

function world(...services: ConfiguredService[]): World {
  const db = new Database(":memory:");
  for (const step of FACTS) db.run(step);
  return {
    services,
    db,
    ports: new Map(),
    containers: {},
    now: Date.parse("2026-01-31T12:00:00Z"),
    turns: 0,
    inspected: [],
    changes: [],
    told: [],
    restarts: [],
    reported: [],
  };
}

function boardOf(of: World): ServiceBoard {
  const topology = () => aTopology({ services: of.services, slots: [], settings: { ...SETTINGS, probe_seconds: 1 } });
  const told = new Map<string, "up" | "down">();
  const sight = new Sight({
    topology,
    address: async ({ name }) => ({ origin: `http://${name}`, host: null }),
    async inspect(_, names) {
      of.inspected.push([...names]);
      const found = names.flatMap((name): [string, SeenImage][] => {
        const given = of.containers[name];
        return given === null ? [] : [[name, { ...RUNNING, name, ...given }]];
      });
      return new Map(found);
    },
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

const never = () => new Promise<never>(() => undefined);

describe("the rhythm", () => {
  test("a look that finds its predecessor still running is skipped", async () => {
    const of = world(aService("a"));
    const open = Promise.withResolvers<number>();
    of.ports.set("a", () => open.promise);
    const board = boardOf(of);
    board.start();

    await until("it is looked at", () => {
      of.now += 2_000;
      return of.inspected.length === 1;
    });
    const before = of.turns;
    await until("five more turns were due", () => {
      of.now += 2_000;
      return of.turns >= before + 5;
    });
    expect(of.inspected.length).toBe(1);

    open.resolve(200);
    await until("the next look comes", () => {
      of.now += 2_000;
      return of.inspected.length > 1;
    });
    expect(board.get("a").state).toBe("healthy");
  });

  test("whoever asks for a look while one runs gets that one", async () => {
    const of = world(aService("a"));
    const board = boardOf(of);

    await Promise.all([board.look(), board.look("a"), board.look("spark-2")]);

    expect(of.inspected).toEqual([["a"]]);
  });

  test("one that hangs keeps no other back", async () => {
    const of = world(aService("a"), aService("b"));
    of.ports.set("a", never);
    const board = boardOf(of);

    void board.look();

    await until("the other one is told", () => board.get("b").state === "healthy");
    expect(board.get("a").state).toBe("unknown");
    boards.length = 0;
  });

  test("each Spark is asked once for all its services, and those elsewhere not at all", async () => {
    const of = world(
      aService("a"),
      aService("b", { node: "spark-1" }),
      aService("c"),
      aService("d", { node: null, host: "10.0.0.8" }),
    );

    await boardOf(of).look();

    expect(of.inspected.toSorted()).toEqual([["a", "c"], ["b"]]);
  });
});

describe("what is told", () => {
  test("is told once, and nothing of what is hidden meanwhile", async () => {
    const of = world(aService("a"), aService("b"));
    const open = Promise.withResolvers<number>();
    of.ports.set("b", () => open.promise);
    const board = boardOf(of);
    const looking = board.look();
    of.services = [aService("a"), aService("b", { disabled: true })];
    open.resolve(200);
    await looking;
    await board.look();

    expect(of.changes.map(({ name, state }) => [name, state])).toEqual([["a", "healthy"]]);
    expect(() => board.get("b")).toThrow(Fault);
  });

  test("down and up go out when they are sure, and no up without a down before", async () => {
    const of = world(aService("a", { auto_restart: false }));
    const board = boardOf(of);
    await board.look();
    of.ports.set("a", async () => null);
    await board.look();
    expect(of.told).toEqual([]);
    await board.look();
    of.ports.clear();
    await board.look();

    expect(of.told).toEqual([
      ["a", "down"],
      ["a", "up"],
    ]);
  });

  test("since when, and that it was there before, outlive a restart of the controller", async () => {
    const of = world(aService("a"));
    await boardOf(of).look();
    const since = boards[0]!.get("a").since;
    of.now += 3_600_000;
    const next = boardOf(of);

    expect(next.get("a")).toMatchObject({ state: "healthy", since });
    of.containers = { a: null };
    of.ports.set("a", async () => null);
    await next.look();
    expect(next.get("a")).toMatchObject({ state: "unhealthy", reason: "Its container has gone from spark-2." });
  });
});

test("a look that began before something was done with it says nothing of it", async () => {
  const of = world(aService("a"));
  const open = Promise.withResolvers<number>();
  of.ports.set("a", () => open.promise);
  const board = boardOf(of);
  const looking = board.look();
  board.setOperation("a", { action: "stop", since: "2026-01-31T12:00:00.000+00:00", by: "dashboard" });
  board.alter("a", (before) => ({ ...before, state: "stopped" }));
  board.setOperation("a", null);
  // It answered when it was asked, which was before.
  open.resolve(200);
  await looking;

  expect(board.get("a").state).toBe("stopped");
});

test("a restart is asked for once it has failed for sure, and not while something is done with it", async () => {
  const of = world(aService("a"), aService("b", { auto_restart: false }));
  of.containers = { a: { running: false, status: "exited" }, b: { running: false, status: "exited" } };
  of.ports.set("a", async () => null).set("b", async () => null);
  const board = boardOf(of);
  board.setOperation("a", { action: "update", since: "2026-01-31T12:00:00.000+00:00", by: "dashboard" });
  await board.look();
  expect(of.restarts).toEqual([]);

  board.setOperation("a", null);
  await board.look();
  expect(of.restarts).toEqual(["a"]);
});
