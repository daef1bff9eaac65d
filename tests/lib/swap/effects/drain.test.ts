import { describe, expect, test } from "bun:test";
import type { Fault } from "../../../../lib/fault.ts";
import type { Drain } from "../../../../lib/swap/drain-desk.ts";
import { drain } from "../../../../lib/swap/effects/drain.ts";
import type { Belief } from "../../../../lib/swap/facts.ts";
import type { Settings } from "../../../../lib/topology/topology.ts";
import { aBelief, aModel, aSlot, aTopology } from "../_fixtures.ts";
import { aRun, type TestRun } from "./_run.ts";

const open = new AbortController().signal;
const metrics = (running: number) => ({ status: 200, body: `vllm:num_requests_running{model_name="x"} ${running}\n` });

/** Drains a slot whose two counts take these values, reading by reading; the last one stays. */
async function readings(
  vllm: readonly (number | null | "refused")[],
  own: readonly number[],
  beliefs: readonly Belief[] = [],
): Promise<number> {
  let count = 0;
  const at = <T>(values: readonly T[]) => values[Math.max(0, Math.min(count, values.length) - 1)]!;
  const run = aRun({
    control: {
      address: async () => "10.77.0.1",
      get: async () => {
        count++;
        const said = at(vllm);
        if (said === "refused") return { status: null, body: null, isRefused: true };
        return said === null ? { status: null, body: null } : metrics(said);
      },
    },
    inFlight: () => at(own),
    beliefs,
  });
  await drain(run, "forward", open);
  return count;
}

describe("a drain", () => {
  test("is over after two quiet readings of both counts", async () => {
    expect(await readings([0], [0])).toBe(2);
  });

  test("waits for requests of the gateway that the vLLM does not show yet: a reading that was begun while one ran is no fresh one", async () => {
    expect(await readings([0], [1, 1, 0])).toBe(5);
    expect(await readings([0], [1, 0])).toBe(4);
  });

  test("waits for requests that go to the vLLM past the gateway", async () => {
    expect(await readings([2, 1, 0], [0])).toBe(4);
  });

  test("begins to count anew when one comes in between", async () => {
    expect(await readings([0, 1, 0], [0])).toBe(4);
  });

  test("does not take one answer that did not come for a model that is not there", async () => {
    const serves = [aBelief(aModel())];

    expect(await readings([null, 2, 0], [0], serves)).toBe(4);
    expect(await readings([0, null, 0], [0], serves)).toBe(3);
    expect(await readings([null], [0], serves)).toBe(2);
  });

  test("takes a vLLM that told of requests and then gives no figures for one that works on them", async () => {
    const serves = [aBelief(aModel())];

    expect(await readings([2, null, null, null, 0], [0], serves)).toBe(6);
    expect(await readings([2, "refused"], [0], serves)).toBe(3);
  });

  test("is over at once where nothing answers, nothing is in flight and nothing was loaded", async () => {
    expect(await readings([null], [0])).toBe(1);
  });

  test.each([
    ["without figures of requests", { status: 200, body: "vllm:num_requests_running_total 0\nprocess_open_fds 7\n" }],
    ["that says there are none", { status: 404, body: { detail: "Not Found" } }],
  ])("does not take a vLLM %s for an idle one: it asks, and says that it does not know", async (_, said) => {
    const seen: (Drain | null)[] = [];
    const control = { address: async () => "10.77.0.1", get: async () => said };
    const run: TestRun = aRun({
      settings: { drain_seconds: 1 },
      timing: { drainAskMs: 60_000 },
      beliefs: [aBelief(aModel())],
      control: {
        ...control,
        get: async () => {
          seen.push(run.drainDesk.shown);
          if (run.drainDesk.shown?.asks) run.drainDesk.answer("cut_off");
          return said;
        },
      },
    });
    await drain(run, "forward", open);

    expect(seen.length).toBeGreaterThan(2);
    expect(seen[1]).toMatchObject({ remaining: 0, figures_missing: true, asks: false });
    expect(run.lines[0]).toMatch(/^controller: Whether requests are still running is not known after \d+ s\. Keep/);
    // Where nothing was loaded, whatever answers there is not waited for.
    const nobody = aRun({ control });
    await drain(nobody, "forward", open);
    expect(nobody.lines).toEqual([]);
  });

  test("fails where it should over figures that are not there, and says what answered", async () => {
    const run = aRun({
      settings: { drain_seconds: 0, drain_on_timeout: "fail" },
      beliefs: [aBelief(aModel())],
      inFlight: () => 1,
      control: { address: async () => "10.77.0.1", get: async () => ({ status: 200, body: "up 1\n" }) },
    });
    const error = await drain(run, "forward", open).catch((fault: Fault) => fault);

    expect(error).toMatchObject({
      code: "drain_timeout",
      members: {
        evidence: "main, spark-1: /metrics on port 8888 has no figures of requests; 1 through the gateway",
      },
    });
    expect((error as Fault).message).toMatch(/^1 request is still running, perhaps others too, after \d+ s\./);
  });

  test("does not cut a request of the gateway because the vLLM's figures do not answer", async () => {
    expect(await readings([null], [1, 0])).toBe(3);
  });
});

describe("requests that run too long", () => {
  const METRICS = { status: 200, body: 'vllm:num_requests_running{model_name="x"} 2\n' };
  /** Two requests that do not end. @param each called at each reading */
  function busy(settings: Partial<Settings>, each: (run: TestRun, reading: number) => void = () => undefined) {
    let reading = 0;
    const run: TestRun = aRun({
      settings,
      timing: { drainAskMs: 60_000 },
      inFlight: () => 2,
      control: {
        address: async () => "10.77.0.1",
        get: async () => {
          each(run, ++reading);
          return METRICS;
        },
      },
    });
    return run;
  }
  const failed = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error as Fault,
    );

  test("are told with their number while the swap waits", async () => {
    const seen: (Drain | null)[] = [];
    const run = busy({ drain_seconds: 600 }, ({ drainDesk }, reading) => {
      seen.push(drainDesk.shown);
      if (reading === 2) drainDesk.answer("cut_off");
    });
    await drain(run, "forward", open);

    expect(seen[0]).toBeNull();
    expect(seen[1]).toMatchObject({ remaining: 2, figures_missing: false, asks: false, on_timeout: "ask" });
    expect(run.drainDesk.shown).toBeNull();
  });

  test("make the swap ask, and are cut off only when that is said", async () => {
    const seen: boolean[] = [];
    const run = busy({ drain_seconds: 0 }, ({ drainDesk }, reading) => {
      seen.push(drainDesk.shown?.asks ?? false);
      if (reading === 3) drainDesk.answer("cut_off");
    });
    await drain(run, "forward", open);

    expect(seen).toEqual([false, true, true]);
    expect(run.lines).toEqual([
      expect.stringMatching(/^controller: 2 requests are still running after \d+ s\. Keep waiting, or cut them off\?$/),
      expect.stringMatching(/cut off, as was asked for\.$/),
    ]);
  });

  test("get as long again when it is said to wait", async () => {
    const seen: boolean[] = [];
    const run = busy({ drain_seconds: 1 }, ({ drainDesk }) => {
      const asks = drainDesk.shown?.asks ?? false;
      if (asks !== seen.at(-1)) seen.push(asks);
      if (asks) drainDesk.answer(seen.length === 2 ? "keep_waiting" : "cut_off");
    });
    await drain(run, "forward", open);

    expect(seen).toEqual([false, true, false, true]);
  });

  test("end the swap when nobody answers, before anything is stopped", async () => {
    const run = busy({ drain_seconds: 0 });
    const error = await failed(drain({ ...run, timing: { ...run.timing, drainAskMs: 1 } }, "forward", open));

    expect(error).toMatchObject({
      code: "drain_timeout",
      members: { evidence: "main, spark-1: /metrics on port 8888 tells 2 running, 0 waiting; 2 through the gateway" },
    });
    expect(error?.message).toMatch(/Nobody said whether to cut them off\. Nothing was stopped\.$/);
  });

  test("end the swap at once where that is configured, or the swap says so", async () => {
    const configured = busy({ drain_seconds: 0, drain_on_timeout: "fail" });
    const ordered = busy({ drain_seconds: 0, drain_on_timeout: "cut_off" });
    const order = { ...ordered.order, onDrainTimeout: "fail" as const };

    expect(await failed(drain(configured, "forward", open))).toMatchObject({ code: "drain_timeout" });
    expect(await failed(drain({ ...ordered, order }, "forward", open))).toMatchObject({ code: "drain_timeout" });
  });

  test("are cut off where that is configured, and the log says how many", async () => {
    const run = busy({ drain_seconds: 0, drain_on_timeout: "cut_off" });

    expect(await drain(run, "forward", open)).toEqual({ type: "drained" });
    expect(run.lines).toEqual(["controller: 2 requests are still running after 0 s; cut off."]);
  });

  test("an answer that came before the wait counts for nothing", async () => {
    const run = busy({ drain_seconds: 0, drain_on_timeout: "fail" });
    run.drainDesk.answer("cut_off");

    expect(await failed(drain(run, "forward", open))).toMatchObject({ code: "drain_timeout" });
  });
});

test("requests in a slot that has to make room are waited for too, those beside it are not", async () => {
  const slot = (name: string, port: number) => aSlot({ name, port, container: `vllm_${name}` });
  const slots = [aSlot(), slot("stops", 8889), slot("stays", 8890)];
  const counts: Record<string, number[]> = { main: [0], stops: [2, 1, 0], stays: [5] };
  const asked = new Map<string, number>();
  const run = aRun({
    topology: aTopology({ slots }),
    order: { model: aModel({ gpu_memory_utilization: 0.7 }) },
    beliefs: [
      aBelief(aModel({ key: "big", gpu_memory_utilization: 0.5 }), { slot: "stops", nodes: ["spark-1"] }),
      aBelief(aModel({ key: "small", gpu_memory_utilization: 0.2 }), { slot: "stays", nodes: ["spark-1"] }),
    ],
    inFlight: (name) => counts[name]![Math.max(0, Math.min(asked.get(name) ?? 0, counts[name]!.length) - 1)] ?? 0,
    control: {
      address: async () => "10.77.0.1",
      get: async (url) => {
        const { name } = slots.find(({ port }) => url.includes(`:${port}/`))!;
        asked.set(name, (asked.get(name) ?? 0) + 1);
        return { status: null, body: null };
      },
    },
  });
  await drain(run, "forward", open);

  // None of them gives figures: what is in flight shows in three looks, and once nothing is, that silence is heard twice.
  expect(Object.fromEntries(asked)).toEqual({ main: 5, stops: 5 });
  expect(run.drainDesk.shown).toBeNull();
});

test("a request that comes to a slot that makes room while another slot's vLLM is slow to tell is not cut off", async () => {
  let inStops = 0;
  let asked = 0;
  const run = aRun({
    topology: aTopology({ slots: [aSlot(), aSlot({ name: "stops", port: 8889, container: "vllm_stops" })] }),
    order: { model: aModel({ gpu_memory_utilization: 0.7 }) },
    beliefs: [
      aBelief(aModel({ key: "old" }), { slot: "main", nodes: ["spark-1"] }),
      aBelief(aModel({ key: "big", gpu_memory_utilization: 0.5 }), { slot: "stops", nodes: ["spark-1"] }),
    ],
    inFlight: (name) => (name === "stops" ? inStops : 0),
    control: {
      address: async () => "10.77.0.1",
      get: async (url) => {
        if (url.includes(":8889/")) return metrics(0);
        // It comes behind the other slot's last reading, while this one is still under way; it is answered a second later.
        if (++asked === 2) setTimeout(() => (inStops = 1), 20);
        if (asked === 4) inStops = 0;
        await Bun.sleep(100);
        return metrics(0);
      },
    },
  });

  await drain(run, "forward", open);

  expect({ inStops, asked }).toEqual({ inStops: 0, asked: 5 });
});
