/** Who is first in line and waits only for what runs comes before anything new: waiting is bounded by the end of that. */
import { describe, expect, test } from "bun:test";
import { LockBench, refusal, SLOTS } from "./_bench.ts";

const nodesOf = (name: string) => SLOTS.find((slot) => slot.name === name)!.nodes;
const begin = (bench: LockBench, slot: string, token: string | null = null) =>
  bench.lock.admit({ slot, nodes: nodesOf(slot) }, token);
const running = (slot: string) => [{ jobId: `swap of ${slot}`, place: { slot, nodes: nodesOf(slot) } }];

describe("what begins anew", () => {
  test("has to let pass who waits for the whole cluster: a stream of swaps ends with the one that runs", async () => {
    using bench = new LockBench();
    bench.running = running("main");
    const granted = bench.wait("Bob");

    for (const slot of ["main", "second", "both"])
      expect(refusal(() => begin(bench, slot))).toMatchObject({
        kind: "conflict",
        code: "others_first",
        message: expect.stringContaining("Bob waits in line"),
      });

    bench.running = [];
    bench.lock.pump();
    const { token } = await granted;
    expect(refusal(() => begin(bench, "main")).code).toBe("reserved");
    expect(begin(bench, "main", token)).toBe(bench.held?.generation ?? null);
  });

  test("beside the stop that is waited for, and beside the slots, is no different", async () => {
    using bench = new LockBench();
    const stop = bench.lock.disrupt({ slot: "main", nodes: nodesOf("main") }, "a stop of main", null);
    const granted = bench.wait("Bob");

    expect(refusal(() => bench.lock.admit({ slot: null, nodes: ["spark-2"] }, null)).code).toBe("others_first");

    stop.end();
    expect((await granted).lock.holder).toBe("Bob");
  });

  test("goes on where nobody waits: on other Sparks than the reservation that is wanted", async () => {
    using bench = new LockBench();
    bench.running = running("main");
    const gone = new AbortController();
    const left = bench.wait("Bob", { slots: ["main"] }, gone.signal).catch(() => "left");

    expect(begin(bench, "second")).toBeNull();
    expect(bench.lock.isAwaited({ slot: "second", nodes: nodesOf("second") })).toBe(false);
    expect(refusal(() => begin(bench, "both")).code).toBe("others_first");
    expect(bench.lock.isAwaited({ slot: "both", nodes: nodesOf("both") })).toBe(true);

    gone.abort();
    expect(await left).toBe("left");
    expect(begin(bench, "main")).toBeNull();
  });

  test("goes on beside a reservation: who waits for its end waits no longer for that", () => {
    using bench = new LockBench();
    const { token } = bench.acquire("Alice", { slots: ["main"] });
    bench.wait("Bob").catch(() => undefined);

    expect(begin(bench, "main", token)).toBe(bench.held?.generation ?? null);
    expect(begin(bench, "second")).toBeNull();

    // Its end is the end of it, also before anyone has looked.
    const { wallMs, steadyMs, boot } = bench.now;
    bench.running = running("main");
    bench.now = { wallMs: wallMs + 901_000, steadyMs: steadyMs + 901_000, boot };
    expect(refusal(() => begin(bench, "second")).code).toBe("others_first");
  });

  test("is not what a cancel is: that only lets who waits come sooner", () => {
    using bench = new LockBench();
    bench.running = running("main");
    bench.wait("Bob").catch(() => undefined);

    expect(bench.swap("main")).toBeNull();
  });
});
