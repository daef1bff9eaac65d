import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { LockBench, refusal } from "./_bench.ts";

const SECRET = "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01";

describe("reserving", () => {
  test("gives a token and a generation, for 15 minutes unless told otherwise", () => {
    using bench = new LockBench();

    const { lock, token } = bench.acquire("Alice", { note: "nightly" });

    expect(lock).toEqual({
      holder: "Alice",
      acquired_at: "2026-01-01T00:00:00.000+00:00",
      expires_at: "2026-01-01T00:15:00.000+00:00",
      seconds_remaining: 900,
      note: "nightly",
      slots: null,
      nodes: null,
      generation: 1,
      reason: null,
    });
    expect(token).toMatch(/^sparklock_[\w-]{43}$/);
    expect(bench.held).toEqual(lock);
    expect(bench.published).toEqual([
      { type: "lock.acquired", at: lock.acquired_at, lock, by: "a test", repeated: false },
    ]);
    expect(bench.recorded).toEqual(bench.published);
  });

  test.each([
    [0, 1],
    [-5, 1],
    [1.9, 1],
    [100_000, 86_400],
    [null, 900],
  ])("a time of %p seconds is clamped to %p", (ttlSeconds, seconds) => {
    using bench = new LockBench();

    expect(bench.acquire("Alice", { ttlSeconds }).lock.seconds_remaining).toBe(seconds);
  });

  test("is refused while another holds it, and says who", () => {
    using bench = new LockBench();
    const { lock, token } = bench.acquire("Alice");

    for (const more of [{}, { token: "not it" }]) {
      const fault = refusal(() => bench.acquire("Bob", more));
      expect([fault.kind, fault.code, fault.members.lock]).toEqual(["conflict", "reserved", lock]);
    }
    // Neither the name alone nor the token alone is enough.
    expect(refusal(() => bench.acquire("Alice")).code).toBe("reserved");
    expect(refusal(() => bench.acquire("Bob", { token })).code).toBe("reserved");
  });

  test("is refused while a swap runs, unless it may go on", () => {
    using bench = new LockBench();
    bench.running = [{ jobId: "job-1", place: { slot: "main", nodes: ["spark-1"] } }];

    const fault = refusal(() => bench.acquire());
    expect([fault.kind, fault.code, fault.members.job_id]).toEqual(["conflict", "swap_running", "job-1"]);
    const { lock } = bench.acquire("Bob", { slots: ["second"] });
    expect([lock.slots, lock.nodes]).toEqual([["second"], ["spark-2"]]);
    bench.lock.force({ by: "Carol" });
    expect(bench.acquire("Alice", { allowRunningSwap: true }).lock.slots).toBeNull();
  });

  test("is durable before it is answered: what cannot be written is not granted", () => {
    using bench = new LockBench();
    bench.failure = new Fault("unavailable", "store_unwritable", "full");

    expect(refusal(() => bench.acquire()).code).toBe("store_unwritable");

    expect(bench.held).toBeNull();
    expect(bench.published).toEqual([]);
    expect(bench.acquire().lock.generation).toBe(1);
  });

  test("knows the slots that it is asked for", () => {
    using bench = new LockBench();

    expect(refusal(() => bench.acquire("Alice", { slots: ["third"] })).code).toBe("unknown_slot");
  });
});

describe("a renewal", () => {
  test("counts from now, keeps generation, slots and note", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { note: "nightly", slots: ["main"], ttlSeconds: 60 });
    bench.pass(50);

    const renewed = bench.acquire("Alice", { token, ttlSeconds: 100 });

    expect(renewed.token).toBe(token);
    expect(renewed.lock).toMatchObject({ generation: 1, note: "nightly", slots: ["main"], seconds_remaining: 100 });
    expect(renewed.lock.acquired_at).toBe("2026-01-01T00:00:00.000+00:00");
    bench.pass(99);
    expect(bench.held?.generation).toBe(1);
    bench.pass(2);
    expect(bench.held).toBeNull();
    expect(bench.told).toEqual(["lock.acquired", "lock.renewed", "lock.expired"]);
  });

  test("after the end is refused, also while nobody holds it: the holder must learn that it lost it", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { ttlSeconds: 60 });
    bench.pass(61);

    expect(refusal(() => bench.acquire("Alice", { token })).code).toBe("reservation_lost");
    expect(bench.held).toBeNull();
  });

  test("cannot change the slots", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { slots: ["main"] });

    expect(refusal(() => bench.acquire("Alice", { token, slots: ["second"] })).code).toBe("slots_fixed");
    expect(bench.acquire("Alice", { token, slots: ["main"] }).lock.slots).toEqual(["main"]);
  });
});

describe("a repeat with the same request id", () => {
  test("keeps generation and end, mints a new token and kills the old one", () => {
    using bench = new LockBench();
    const first = bench.acquire("Alice", { requestId: SECRET, ttlSeconds: 60 });
    bench.pass(10);

    const again = bench.acquire("Alice", { requestId: SECRET, ttlSeconds: 60 });

    expect(again.lock).toMatchObject({ generation: 1, expires_at: first.lock.expires_at, seconds_remaining: 50 });
    expect(again.token).not.toBe(first.token);
    expect(refusal(() => bench.swap("main", first.token)).code).toBe("reserved");
    expect(bench.swap("main", again.token)).toBe(1);
  });

  test("does not bring back what has ended", () => {
    using bench = new LockBench();
    for (const end of ["release", "expire", "force"]) {
      const requestId = `${SECRET}-${end}`;
      const { token } = bench.acquire("Alice", { requestId, ttlSeconds: 60 });
      if (end === "release") bench.lock.release(token);
      if (end === "expire") bench.pass(61);
      if (end === "force") bench.lock.force({ by: "Carol" });

      expect(refusal(() => bench.acquire("Alice", { requestId })).code).toBe("request_spent");
      bench.restart();
      expect(refusal(() => bench.acquire("Alice", { requestId })).code).toBe("request_spent");
    }
  });

  test("in the very moment of the end does not bring it back", () => {
    using bench = new LockBench();
    bench.acquire("Alice", { requestId: SECRET, ttlSeconds: 5 });
    bench.now = { ...bench.now, wallMs: bench.now.wallMs + 6_000, steadyMs: bench.now.steadyMs + 6_000 };

    expect(refusal(() => bench.acquire("Alice", { requestId: SECRET })).code).toBe("request_spent");
  });

  test("of someone else gets nothing", () => {
    using bench = new LockBench();
    bench.acquire("Alice", { requestId: SECRET });

    expect(refusal(() => bench.acquire("Bob", { requestId: SECRET })).code).toBe("reserved");
    expect(refusal(() => bench.acquire("Alice", { requestId: `${SECRET}x` })).code).toBe("reserved");
  });
});

describe("releasing", () => {
  test("needs the token", () => {
    using bench = new LockBench();
    const { lock, token } = bench.acquire();

    for (const wrong of [null, "", "not it", `${token}x`]) {
      const fault = refusal(() => bench.lock.release(wrong));
      expect([fault.kind, fault.code, fault.members.lock]).toEqual(["forbidden", "wrong_token", lock]);
    }
    expect(bench.lock.release(token)).toBe(1);
    expect(bench.held).toBeNull();
    // With nothing held there is nothing to be wrong about.
    expect(bench.lock.release(token)).toBeNull();
    expect(bench.acquire("Bob").lock.generation).toBe(2);
    expect(refusal(() => bench.lock.release(token)).code).toBe("wrong_token");
  });

  test("by force names the reservation that is meant", () => {
    using bench = new LockBench();
    const first = bench.acquire();
    bench.lock.release(first.token);
    const second = bench.acquire("Bob");

    const fault = refusal(() => bench.lock.force({ generation: 1, by: "Carol" }));
    expect([fault.kind, fault.code, fault.members.lock]).toEqual(["conflict", "other_reservation", second.lock]);
    expect(bench.aborted).toEqual([]);
    expect(bench.lock.force({ generation: 2, by: "Carol", reason: "the demo" })).toBe(2);
    expect(bench.aborted).toEqual([2]);
    expect(bench.published.at(-1)).toMatchObject({ type: "lock.forced", by: "Carol", reason: "the demo" });
    expect(bench.lock.force({ by: "Carol" })).toBeNull();
  });
});

describe("the gate", () => {
  test("lets the holder through, with the generation, and nobody else", () => {
    using bench = new LockBench();
    expect(bench.swap()).toBeNull();
    const { lock, token } = bench.acquire();

    expect(bench.swap("main", token)).toBe(1);
    for (const wrong of [null, "not it"]) {
      const fault = refusal(() => bench.swap("main", wrong));
      expect([fault.kind, fault.code, fault.members.lock]).toEqual(["locked", "reserved", lock]);
    }
  });

  test("refuses a token that has ended, also while nothing is reserved", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { ttlSeconds: 5 });
    bench.pass(6);

    const fault = refusal(() => bench.swap("main", token));
    expect([fault.kind, fault.code, fault.members.lock]).toEqual(["locked", "reservation_lost", null]);
    expect(bench.swap("main")).toBeNull();
  });

  test("is closed from the end of the time on, whether or not anyone has looked", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { ttlSeconds: 5 });
    bench.now = { ...bench.now, wallMs: bench.now.wallMs + 6_000, steadyMs: bench.now.steadyMs + 6_000 };

    expect(refusal(() => bench.swap("main", token)).code).toBe("reservation_lost");
    expect(bench.swap("main")).toBeNull();
    expect(bench.held).toBeNull();
  });

  test("a reserved slot covers every slot that shares a Spark with it", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { slots: ["main"] });

    expect(refusal(() => bench.swap("main")).code).toBe("reserved");
    expect(refusal(() => bench.swap("both")).code).toBe("reserved");
    expect(bench.swap("second")).toBeNull();
    // Outside of what is reserved the token neither helps nor hinders.
    expect(bench.swap("second", token)).toBeNull();
    expect(bench.swap("both", token)).toBe(1);
  });
});

describe("waiting", () => {
  test("is first come, first served; each is judged again when its turn comes", async () => {
    using bench = new LockBench();
    const { token } = bench.acquire();
    const order: string[] = [];
    const enter = async (holder: string) => {
      const granted = await bench.wait(holder);
      order.push(holder);
      return granted;
    };
    const waiters = ["Bob", "Carol", "Dave"].map(enter);
    expect(bench.lock.waiting).toBe(3);
    // Who comes now does not pass by those who wait.
    expect(refusal(() => bench.acquire("Eve")).code).toBe("reserved");

    bench.lock.release(token);
    const bob = await waiters[0]!;
    expect([order, bench.held?.holder, bench.lock.waiting]).toEqual([["Bob"], "Bob", 2]);
    bench.lock.release(bob.token);
    await waiters[1];
    bench.lock.force({ by: "a person" });
    await waiters[2];

    expect(order).toEqual(["Bob", "Carol", "Dave"]);
    expect(bench.held?.generation).toBe(4);
  });

  test("for a swap to end; nobody passes by meanwhile", async () => {
    using bench = new LockBench();
    bench.running = [{ jobId: "job-1", place: { slot: "main", nodes: ["spark-1"] } }];
    const waiting = bench.wait("Bob");

    expect(refusal(() => bench.acquire("Eve", { allowRunningSwap: true })).code).toBe("others_first");
    bench.running = [];
    bench.lock.pump();

    expect((await waiting).lock.holder).toBe("Bob");
  });

  test("ends with the end of the reservation before", async () => {
    using bench = new LockBench();
    bench.acquire("Alice", { ttlSeconds: 10 });
    const waiting = bench.wait("Bob");

    bench.pass(11);

    expect((await waiting).lock.holder).toBe("Bob");
    expect(bench.told).toEqual(["lock.acquired", "lock.expired", "lock.acquired"]);
  });

  test("is left by who goes away, and gets no grant", async () => {
    using bench = new LockBench();
    const { token } = bench.acquire();
    const gone = new AbortController();
    const left = bench.wait("Bob", {}, gone.signal).catch((error) => error);
    const stays = bench.wait("Carol");

    gone.abort(new Error("gone"));
    bench.lock.release(token);

    expect((await left).message).toBe("gone");
    expect((await stays).lock.holder).toBe("Carol");
    expect(bench.told.filter((type) => type === "lock.acquired")).toHaveLength(2);
  });

  test("ends with the refusal when the time is over", async () => {
    using bench = new LockBench();
    const { lock } = bench.acquire();

    const late = bench.lock.acquireOrWait({ holder: "Bob", by: "a test" }, 20, new AbortController().signal);

    expect(await late.catch((error: Fault) => [error.code, error.members.lock])).toEqual(["reserved", lock]);
    expect(bench.lock.waiting).toBe(0);
  });

  test("a repeat takes the place of the one before", async () => {
    using bench = new LockBench();
    const { token } = bench.acquire();
    const first = bench.wait("Bob", { requestId: SECRET }).catch((error: Fault) => error.code);
    const other = bench.wait("Carol");
    const again = bench.wait("Bob", { requestId: SECRET });

    expect(await first).toBe("superseded");
    bench.lock.release(token);
    expect((await again).lock.holder).toBe("Bob");
    bench.lock.force({ by: "a person" });
    expect((await other).lock.holder).toBe("Carol");
  });

  test("its length is told when it is another one, which it is not when a repeat takes a place", async () => {
    using bench = new LockBench();
    const { token } = bench.acquire();
    const first = bench.wait("Bob", { requestId: SECRET }).catch(() => undefined);
    await Promise.resolve();
    const again = bench.wait("Bob", { requestId: SECRET });
    await first;
    expect(bench.lengths).toEqual([1]);
    const leave = new AbortController();
    const other = bench.wait("Carol", {}, leave.signal).catch(() => undefined);
    await Promise.resolve();
    leave.abort();
    await other;

    bench.lock.release(token);
    await again;
    expect(bench.lengths).toEqual([1, 2, 1, 0]);
  });

  test("a repeat takes it in the middle of the line, too, and whoever stands behind stays behind", async () => {
    using bench = new LockBench();
    const { token } = bench.acquire();
    const order: string[] = [];
    const wait = (holder: string, requestId?: string) =>
      bench.wait(holder, { requestId, slots: ["main"] }).then(
        ({ token }) => {
          order.push(holder);
          bench.lock.release(token);
        },
        ({ code }: Fault) => order.push(code),
      );
    const all = [wait("Dave"), wait("Bob", SECRET), wait("Carol"), wait("Bob", SECRET), wait("Bob", SECRET)];

    bench.lock.release(token);
    await Promise.all(all);

    expect(order).toEqual(["superseded", "superseded", "Dave", "Bob", "Carol"]);
  });

  test("is bounded", async () => {
    using bench = new LockBench();
    bench.acquire();
    const all = Array.from({ length: 64 }, (_, index) => bench.wait(`client ${index}`).catch(() => undefined));

    const fault = await bench.wait("one too many").catch((error: Fault) => error);

    expect(fault).toMatchObject({ kind: "unavailable", code: "line_full" });
    bench.lock.close();
    await Promise.all(all);
  });
});

describe("time", () => {
  test("a clock that is set neither extends nor ends a reservation, and is noticed", () => {
    using bench = new LockBench();
    const { lock } = bench.acquire("Alice", { ttlSeconds: 600 });
    for (const [bySeconds, passed] of [
      [7_200, 100],
      [-86_400, 200],
      [-1.8e9, 300],
    ] as const) {
      bench.setClock(bySeconds);
      bench.pass(100);

      expect(bench.held).toMatchObject({ generation: lock.generation, seconds_remaining: 600 - passed });
      expect(Date.parse(bench.held!.expires_at) - bench.now.wallMs).toBe((600 - passed) * 1000);
      expect(bench.published.at(-1)).toMatchObject({ type: "lock.clock_set", by_seconds: bySeconds });
    }
    bench.pass(301);
    expect(bench.held).toBeNull();
  });

  test("a restart of the controller changes nothing, wherever the clock was set to meanwhile", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { ttlSeconds: 600 });
    bench.now = { ...bench.now, wallMs: bench.now.wallMs + 9_999_000, steadyMs: bench.now.steadyMs + 60_000 };

    bench.restart();

    expect(bench.held).toMatchObject({ generation: 1, seconds_remaining: 540 });
    expect(bench.swap("main", token)).toBe(1);
  });

  test("after a restart of the machine the wall clock counts", () => {
    using bench = new LockBench();
    bench.acquire("Alice", { ttlSeconds: 600 });

    bench.reboot(200);
    expect(bench.held).toMatchObject({ seconds_remaining: 400, reason: null });
    bench.pass(399);
    expect(bench.held?.seconds_remaining).toBe(1);
    bench.pass(2);
    expect(bench.held).toBeNull();
  });

  test("a machine that comes up in 1970 keeps what was left, says why, and can be forced", () => {
    using bench = new LockBench();
    bench.acquire("Alice", { ttlSeconds: 600 });
    bench.pass(100);

    bench.reboot(-bench.now.wallMs / 1000 + 30);

    expect(bench.held).toMatchObject({ holder: "Alice", seconds_remaining: 500 });
    expect(bench.held?.reason).toContain("clock");
    expect(refusal(() => bench.swap()).code).toBe("reserved");
    bench.lock.force({ by: "Carol" });
    expect(bench.swap()).toBeNull();
    const fault = refusal(() => bench.acquire());
    expect([fault.kind, fault.code]).toEqual(["unavailable", "clock_unset"]);
    expect(fault.message).toContain("Set the clock");
  });
});

describe("data that cannot be believed", () => {
  test.each(["not json", "{}", '{"generation":"5"}', "null"])(
    "%p: closed, with a reason and two ways out",
    (document) => {
      using bench = new LockBench();
      const { token } = bench.acquire();
      bench.opened.facts.run("UPDATE reservation SET document = ?1", [document]);

      bench.restart();

      expect(bench.held).toMatchObject({ holder: "unknown", seconds_remaining: 86_400, generation: 2 });
      expect(bench.held?.reason).toContain("could not be read");
      for (const shown of [null, token]) expect(refusal(() => bench.swap("main", shown)).code).toBe("reserved");
      expect(refusal(() => bench.acquire("Bob")).code).toBe("reserved");
      expect(bench.told.at(-1)).toBe("lock.unreadable");
      bench.restart();
      expect(bench.held?.generation).toBe(2);
      bench.pass(86_401);
      expect(bench.swap()).toBeNull();
    },
  );

  test("data that are not believed (a copy, a backup) hold nothing; the reason is told, and generations go on", () => {
    using bench = new LockBench();
    const { token } = bench.acquire();

    bench.restart("These data are of last week.");

    expect(bench.held).toBeNull();
    expect(refusal(() => bench.swap("main", token)).code).toBe("reservation_lost");
    const dropped = { type: "lock.dropped", lock: { holder: "Alice", generation: 1 } };
    expect(bench.published.at(-1)).toMatchObject({ ...dropped, reason: "These data are of last week." });
    expect(bench.acquire().lock.generation).toBe(2);
  });

  test("data that are older than what a Spark remembers hold nothing, and count on above it", () => {
    using bench = new LockBench();
    bench.acquire();
    bench.lock.generationSeen(1);
    expect(bench.held?.generation).toBe(1);

    bench.lock.generationSeen(7);

    expect(bench.held).toBeNull();
    expect(bench.published.at(-1)).toMatchObject({ type: "lock.dropped", reason: expect.stringContaining("backup") });
    expect(bench.acquire("Bob").lock.generation).toBe(8);
  });
});
