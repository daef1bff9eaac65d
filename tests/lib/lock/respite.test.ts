/** The minute after a forced release: a person can do something before the programs have the GPUs again. */
import { expect, test } from "bun:test";
import { RESPITE_MS } from "../../../lib/lock/respite.ts";
import { LockBench, refusal } from "./_bench.ts";

const MINUTE = RESPITE_MS / 1000;
const PLACE = { slot: "main", nodes: ["spark-1"] };
const CAROL = { by: "dashboard", from: "192.0.2.7" };

/** Alice's program holds it, Bob's waits, and Carol has forced the release. */
async function forced() {
  const bench = new LockBench(RESPITE_MS);
  bench.acquire("Alice");
  const bob = { granted: false };
  const waiting = bench.wait("Bob").then(
    (grant) => {
      bob.granted = true;
      return grant;
    },
    () => null,
  );
  bench.lock.force(CAROL);
  await Bun.sleep(0);
  return { bench, bob, waiting };
}

test("nobody in line is granted it before the minute is over, and then the first is", async () => {
  const { bench, bob, waiting } = await forced();
  using _ = bench;
  bench.pass(MINUTE - 1);
  await Bun.sleep(0);
  expect([bob.granted, bench.held]).toEqual([false, null]);
  bench.pass(1);
  expect((await waiting)?.lock.holder).toBe("Bob");
});

test("nor is who asks again and again, with or without a line; the answer says for how long", async () => {
  for (const withLine of [true, false]) {
    const { bench } = await forced();
    using _ = bench;
    if (!withLine) {
      bench.lock.close();
      bench.restart();
      bench.acquire("Alice");
      bench.lock.force(CAROL);
    }
    bench.pass(10);
    const fault = refusal(() => bench.acquire("Dave"));
    expect([fault.code, fault.members.retry_after_seconds]).toEqual(["others_first", MINUTE - 10]);
    expect(fault.message).toContain("A person has just ended a reservation, and comes first for 50 s");
  }
});

test("the same program at another address is somebody else", async () => {
  const { bench } = await forced();
  using _ = bench;
  expect(refusal(() => bench.acquire("Dave", { ...CAROL, from: "192.0.2.8" })).code).toBe("others_first");
});

test("whoever forced it reserves ahead of the line, and the line goes on after that", async () => {
  const { bench, bob, waiting } = await forced();
  using _ = bench;
  const { token, lock } = bench.acquire("Carol", CAROL);
  expect(lock.holder).toBe("Carol");
  bench.lock.release(token);
  expect((await waiting)?.lock.holder).toBe("Bob");
  expect(bob.granted).toBe(true);
});

test("swaps may begin although somebody waits; afterwards the line comes first again", async () => {
  const { bench, bob } = await forced();
  using _ = bench;
  expect(bench.lock.admit(PLACE, null)).toBeNull();
  expect(bench.lock.isAwaited(PLACE)).toBe(false);
  bench.running = [{ jobId: "job-1", place: PLACE }];
  bench.pass(MINUTE);
  await Bun.sleep(0);
  expect(bob.granted).toBe(false);
  expect(refusal(() => bench.lock.admit(PLACE, null)).code).toBe("others_first");
});

test("nothing waits after an ordinary release, nor when nothing was held", async () => {
  using bench = new LockBench(RESPITE_MS);
  bench.lock.force(CAROL);
  const { token } = bench.acquire("Alice");
  bench.lock.release(token);
  expect(bench.acquire("Bob").lock.holder).toBe("Bob");
});
