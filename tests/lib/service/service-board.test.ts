/** The rhythm of looks: none on top of another, one that hangs keeps no other back, and what was seen outlives a restart. */
import { afterEach, describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { until } from "../../support/until.ts";
import { aService, boardOf, boards, world } from "./_board.ts";

afterEach(async () => {
  for (const board of boards.splice(0)) await board.close();
});

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

  test("follows its setting at once, and a clock that is set back", async () => {
    const of = world(aService("a"));
    of.settings = { ...of.settings, probe_seconds: 3_600 };
    const board = boardOf(of);
    board.start();
    of.now += 2_000;
    await until("it is looked at", () => board.get("a").state === "healthy");

    of.now += 5_000;
    of.settings = { ...of.settings, probe_seconds: 1 };
    await until("it is looked at again", () => of.inspected.length === 2);

    of.now -= 3_600_000;
    await until("it is looked at still", () => of.inspected.length === 3);
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
