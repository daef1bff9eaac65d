/** Facts that are lost fail closed: nobody knows who has reserved the GPUs, so everything counts as reserved until a person says otherwise. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../lib/status.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
afterEach(() => demo?.close());

const remove = () => {
  for (const name of readdirSync(demo.dataDir)) if (name.startsWith("facts.db")) rmSync(join(demo.dataDir, name));
};
const empty = () => truncateSync(join(demo.dataDir, "facts.db"), 0);
const problems = async () =>
  ((await (await fetch(`${demo.url}/api/status`)).json()) as Status).problems.filter(
    ({ source }) => source === "facts.db",
  );
const swap = async (token?: string) => {
  const answer = await demo.post("/api/swap", { model: "gpt-oss-20b", ...(token && { lock_token: token }) });
  return [answer.status, ((await answer.json()) as { code?: string }).code];
};
const looked = () => until("the Spark was looked at", () => demo.plane.slots.node("spark-1")?.reachable === true);

describe("in the data of real Sparks", () => {
  for (const [state, lose] of [
    ["missing", remove],
    ["empty", empty],
  ] as const)
    test(`${state}: everything is reserved, no token opens it, the reason says what to do, and a person forces it`, async () => {
      demo = await startDemo({ takenForReal: true });
      expect([demo.plane.lock.current(), await problems()]).toEqual([null, []]);
      const { token } = demo.plane.lock.acquire({ holder: "nightly", ttlSeconds: 3_600, by: "a test" });

      await demo.restart(lose);

      const lock = demo.plane.lock.current();
      expect(lock).toMatchObject({ holder: "unknown", slots: null });
      for (const words of [`facts.db is ${state}`, "lock.json", "who had reserved the GPUs", "person forces"])
        expect(lock!.reason).toContain(words);
      expect(await swap()).toEqual([423, "reserved"]);
      expect((await swap(token))[0]).toBe(423);
      expect((await demo.post("/api/swap/lock", { holder: "Bob" })).status).toBe(409);
      expect(await problems()).toMatchObject([{ message: lock!.reason, instead: "Everything counts as reserved." }]);

      // A Spark has seen later generations: that says nothing of who has reserved what.
      demo.plane.lock.generationSeen(1_000);
      await looked();
      await demo.restart();
      await looked();
      expect(demo.plane.lock.current()).toMatchObject({ holder: "unknown", generation: lock!.generation });

      demo.plane.lock.force({ by: "Alice" });
      expect([demo.plane.lock.current(), await problems()]).toEqual([null, []]);
      await demo.restart();
      expect([demo.plane.lock.current(), await problems()]).toEqual([null, []]);
    });
});

test("made-up Sparks are nobody's: the simulated cluster starts with nothing reserved", async () => {
  demo = await startDemo();
  await demo.restart(remove);

  expect([demo.plane.lock.current(), await problems()]).toEqual([null, []]);
});
