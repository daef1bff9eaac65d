/** Who may act is asked in the transaction of the act itself, also when an earlier attempt could not be written. */
import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { Gate } from "../../../lib/swap/gate.ts";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM } from "./_engine-bench.ts";
import { OPEN_GATE } from "./_fixtures.ts";

const failed = (code: string): MachineEvent => ({
  type: "failed",
  failure: { code, message: `${code}.`, evidence: null, advice: null },
});

/** A gate that somebody else may close, and that counts what was asked within a transaction. */
function aGate() {
  const state = { closed: false, asked: 0, isInTransaction: () => false, inTransaction: [] as boolean[] };
  const ask = () => {
    state.asked += 1;
    state.inTransaction.push(state.isInTransaction());
  };
  const permit = () => {
    ask();
    if (state.closed) throw new Fault("locked", "reserved", "Bob has reserved the GPUs.");
    return 7;
  };
  const gate: Gate = {
    ...OPEN_GATE,
    permit,
    admit: permit,
    reservationOfAnother: () => {
      ask();
      return state.closed ? { holder: "Bob", note: null, expires_at: "2026-01-01T12:00:00.000+00:00" } : null;
    },
  };
  return { gate, state };
}

function aBench() {
  const { gate, state } = aGate();
  const bench = new EngineBench({ gate });
  state.isInTransaction = () => bench.opened.facts.inTransaction;
  return { bench, state };
}

/** Every write is refused, as on a disk that is full. */
const writable = (bench: EngineBench, is: boolean) =>
  bench.opened.facts.run(`PRAGMA query_only = ${is ? "OFF" : "ON"}`);

const waits = (bench: EngineBench, jobId: string) =>
  until("it waits for room", () => bench.engine.get(jobId).reason !== null);

async function unknownSwap(bench: EngineBench): Promise<string> {
  const { job_id } = bench.start(GLM, { rollback: false });
  const settled = bench.engine.settled(job_id);
  (await bench.effects.until("follow", job_id)).report(failed("out_of_memory"));
  (await bench.effects.next("clean_up", job_id)).report(failed("ssh_network"));
  expect(await settled).toMatchObject({ state: "unknown" });
  return job_id;
}

describe("a look into an unknown end", () => {
  test("asks within the transaction that claims the slot again", async () => {
    const { bench, state } = aBench();
    await using _ = bench;
    const job_id = await unknownSwap(bench);
    state.inTransaction.length = 0;

    bench.engine.resolveUnknown();
    await bench.effects.next("clean_up", job_id);

    expect(state.inTransaction.at(-1)).toBe(true);
  });

  test("that could not be written is not made up for under a reservation that came since", async () => {
    const { bench, state } = aBench();
    await using _ = bench;
    const job_id = await unknownSwap(bench);
    writable(bench, false);
    bench.engine.resolveUnknown();
    // Nothing is kept that would try again by itself.
    expect(bench.engine.active()).toEqual([]);
    writable(bench, true);
    state.closed = true;

    bench.engine.resolveUnknown();

    expect(bench.effects.names.filter((name) => name === "clean_up")).toHaveLength(1);
    expect(bench.engine.get(job_id)).toMatchObject({ state: "unknown", phase: "unknown" });
    expect(bench.engine.active()).toEqual([]);

    state.closed = false;
    bench.engine.resolveUnknown();
    await bench.effects.next("clean_up", job_id);
  });
});

describe("a cancel", () => {
  test("asks within the transaction of its step", async () => {
    const { bench, state } = aBench();
    await using _ = bench;
    const { job_id } = bench.start(GLM);
    await bench.effects.until("follow", job_id);
    state.inTransaction.length = 0;

    bench.engine.cancel(job_id);

    expect(state.inTransaction.at(-1)).toBe(true);
    expect(bench.engine.get(job_id).phase).toBe("cancelling");
  });

  test("that cannot be written is refused, and nothing of it happens later under another's reservation", async () => {
    const { bench, state } = aBench();
    await using _ = bench;
    const { job_id } = bench.start(GLM);
    await bench.effects.until("follow", job_id);
    writable(bench, false);

    expect(() => bench.engine.cancel(job_id)).toThrow("full or cannot be written");
    state.closed = true;
    writable(bench, true);

    expect(bench.engine.get(job_id)).toMatchObject({ state: "loading", phase: "loading" });
    expect(bench.effects.names).not.toContain("clean_up");
    expect(() => bench.engine.cancel(job_id)).toThrow("Bob has reserved");
  });

  test("comes after what waits to be written, and with it once there is room", async () => {
    const { bench } = aBench();
    await using _ = bench;
    const { job_id } = bench.start(GLM);
    const follow = await bench.effects.until("follow", job_id);
    writable(bench, false);
    follow.report({ type: "answering" });
    await waits(bench, job_id);
    expect(() => bench.engine.cancel(job_id)).toThrow("full or cannot be written");

    writable(bench, true);
    expect(bench.engine.cancel(job_id)).toMatchObject({ state: "verifying", phase: "cancelling" });
  });

  test("by a forced release comes before a stop that waits to be written", async () => {
    const { bench } = aBench();
    await using _ = bench;
    const { job_id } = bench.start(GLM);
    const drain = await bench.effects.until("drain", job_id);
    writable(bench, false);
    drain.report({ type: "drained" });
    await waits(bench, job_id);
    writable(bench, true);
    const settled = bench.engine.settled(job_id);

    bench.engine.abortBeforeStopping(7);

    expect(await settled).toMatchObject({ state: "cancelled" });
    expect(bench.effects.names).not.toContain("stop");
  });
});
