/** When services are checked deeply by themselves. */
import { afterEach, expect, test } from "bun:test";
import { DeepChecks } from "../../../lib/service/deep-checks.ts";
import type { HttpAnswer } from "../../../lib/service/probe.ts";
import type { Sight } from "../../../lib/service/sight.ts";
import { until } from "../../support/until.ts";
import { aService, boardOf, boards, topologyOf, type World, world } from "./_board.ts";

const MINUTE_MS = 60_000;
const opened: DeepChecks[] = [];
afterEach(async () => {
  for (const checks of opened.splice(0)) await checks.close();
  for (const board of boards.splice(0)) await board.close();
});

/** One http service that was seen well; `asked` grows with each deep check of it. */
async function begin(minutes: number, answers: { status: number } = { status: 200 }) {
  const of: World = world(aService("a"));
  const set = (deep_check_minutes: number) => {
    of.settings = { ...of.settings, deep_check_minutes };
  };
  set(minutes);
  const board = boardOf(of);
  await board.look();
  let asked = 0;
  const ask = async (): Promise<HttpAnswer> => {
    asked += 1;
    return { status: answers.status, body: null };
  };
  const checks = new DeepChecks({
    board,
    sight: { asker: async () => ask } as unknown as Sight,
    topology: () => topologyOf(of),
    ask,
    now: () => of.now,
    random: () => 0.5,
    report: (error) => of.reported.push(error),
  });
  opened.push(checks);
  return { of, board, checks, set, asked: () => asked };
}

test("they come after the time that is set now, not after the one that was set when the last was made", async () => {
  const { of, checks, set, asked } = await begin(1_440);
  await checks.run("a");
  checks.start();
  of.now += 10 * MINUTE_MS;

  set(5);

  await until("it is checked", () => asked() === 2);
  expect(of.reported).toEqual([]);
});

test("one that failed is checked again after a minute, whatever is set", async () => {
  const answers = { status: 500 };
  const { of, board, checks, asked } = await begin(1_440, answers);
  await checks.run("a");
  await board.look();
  expect(board.get("a")).toMatchObject({ state: "unhealthy", deep_check: { outcome: "failed" } });
  checks.start();

  answers.status = 200;
  of.now += MINUTE_MS;

  await until("it is checked", () => asked() === 2);
  await board.look();
  expect(board.get("a").state).toBe("healthy");
});
