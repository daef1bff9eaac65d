/** Actions of which docker's answer gets lost on the way: what is seen on the Spark counts. */
import { afterEach, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { type ActionDone, type ActionMeans, ServiceActions } from "../../../lib/service/service-actions.ts";
import { aService, boardOf, boards, topologyOf, type World, world } from "./_board.ts";

afterEach(async () => {
  for (const board of boards.splice(0)) await board.close();
});

const lost = new Fault("timeout", "ssh_timeout", "spark-2: There was no answer within 60 s.");
const ORDER = { by: "dashboard", token: null } as const;

/** One service that runs. @param act what docker does when it is told something */
async function begin(act: (of: World) => Promise<void>) {
  const of = world(aService("a"));
  const board = boardOf(of);
  await board.look();
  const done: ActionDone[] = [];
  const means: ActionMeans = {
    board,
    topology: () => topologyOf(of),
    inspect: (...asked) => of.inspect(...asked),
    act: () => act(of),
    mustOpen: () => undefined,
    passFence: () => Promise.resolve(),
    disrupt: () => ({ forced: new AbortController().signal, end: () => undefined }),
    actOnSlot: () => Promise.reject(new Error("there is no slot")),
    onDone: (each) => done.push(each),
    now: () => of.now,
    async pause(ms) {
      of.now += ms;
    },
  };
  return { of, board, done, actions: new ServiceActions(means) };
}

test("a stop that was done stays done: it is not restarted by itself", async () => {
  const { of, board, done, actions } = await begin(async (of) => {
    of.containers = { a: { status: "exited", running: false, exitCode: 137 } };
    of.ports.set("a", async () => null);
    throw lost;
  });

  const { service } = await actions.run("a", { action: "stop", ...ORDER });

  expect(service).toMatchObject({ state: "stopped" });
  await board.look();
  await board.look();
  expect(board.get("a")).toMatchObject({ state: "stopped", reason: "It was stopped from here." });
  expect(of.restarts).toEqual([]);
  expect(done).toMatchObject([{ action: "stop", failure: null }]);
});

test("a stop that could not be looked at for a moment is looked at again", async () => {
  const { of, actions } = await begin(async (of) => {
    const { inspect } = of;
    let asked = 0;
    of.containers = { a: { status: "exited", running: false, exitCode: 0 } };
    of.inspect = (...given) => {
      asked += 1;
      if (asked > 2) return inspect(...given);
      return Promise.reject(new Fault("upstream", "ssh_network", "spark-2: No answer."));
    };
  });

  expect((await actions.run("a", { action: "stop", ...ORDER })).service).toMatchObject({ state: "stopped" });
  expect(of.reported).toEqual([]);
});

test("a stop of which nothing is seen is told with what was said first", async () => {
  const { board, done, actions } = await begin(() => Promise.reject(lost));

  await expect(actions.run("a", { action: "stop", ...ORDER })).rejects.toBe(lost);

  await board.look();
  expect(board.get("a").state).toBe("healthy");
  expect(done).toMatchObject([{ action: "stop", failure: lost.message }]);
});

test("what docker refuses is told at once", async () => {
  const refused = new Fault("upstream", "docker_failed", "docker stop a failed on spark-2.");
  const { of, actions } = await begin(() => Promise.reject(refused));
  const before = of.now;

  await expect(actions.run("a", { action: "stop", ...ORDER })).rejects.toBe(refused);
  expect(of.now).toBe(before);
});
