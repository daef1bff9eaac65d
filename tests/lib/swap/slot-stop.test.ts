/** A stop without a swap that comes through in part only: what is left is looked at, and said. */
import { expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { NodeView, SparkControl } from "../../../lib/swap/cluster.ts";
import { SlotStops } from "../../../lib/swap/slot-stop.ts";
import { TIMING } from "../../../lib/swap/timing.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { EngineBench } from "./_engine-bench.ts";
import { aModel, aServingView, aSlot, aTopology, OPEN_GATE, SETTINGS, someSparks, unreachable } from "./_fixtures.ts";

const WIDE = aModel({ nodes: 2 });
const SERVES = aServingView("vllm serve x");
const GONE = { ...SERVES, container: null, vllm: [], portOpen: false };
const cut = unreachable("spark-2");

/** Of so many requests one waits, where there are as many. */
function figuresOf(requests: number): string {
  const waiting = Math.min(1, requests);
  return `vllm:num_requests_running ${requests - waiting}\nvllm:num_requests_waiting ${waiting}\n`;
}

/** Two Sparks with a model across both. @param stopOf what a `docker stop` there does; the nth is the nth on that Spark @param silent what cannot be looked at */
async function aStop(
  stopOf: (node: string, nth: number) => NodeView | Fault,
  figures: number | null = 0,
  silent: Record<string, Fault> = {},
  more: Partial<SparkControl> = {},
  beside: readonly Slot[] = [],
  forced = new AbortController().signal,
) {
  const topology = aTopology({ slots: [aSlot(), ...beside], settings: { ...SETTINGS, drain_seconds: 0 } });
  const bench = new EngineBench({ topology, models: [WIDE] });
  await bench.load(WIDE);
  const shown: Record<string, NodeView> = { "spark-1": SERVES, "spark-2": SERVES };
  const stopped: string[] = [];
  const stops = new SlotStops({
    control: someSparks({
      get: () => Promise.resolve({ status: 200, body: figures === null ? "up 1\n" : figuresOf(figures) }),
      look: ({ name }) => {
        const fault = silent[name];
        return fault ? Promise.reject(fault) : Promise.resolve(shown[name] ?? GONE);
      },
      stopContainer: ({ name }) => {
        stopped.push(name);
        const outcome = stopOf(name, stopped.filter((each) => each === name).length);
        if (outcome instanceof Fault) return Promise.reject(outcome);
        shown[name] = outcome;
        return Promise.resolve();
      },
      ...more,
    }),
    store: bench.store,
    claims: bench.engine.claims,
    gate: { ...OPEN_GATE, disrupt: () => ({ forced, end: () => undefined }) },
    timing: { ...TIMING, stopDeadlineMs: 20 },
    topology: () => topology,
    inFlight: () => 0,
    slotOf: (launchId) => (launchId === "launch-of-beside" ? "beside" : null),
    onChange: () => undefined,
  });
  const signal = new AbortController().signal;
  let cutOff: number | null | undefined;
  const end = await stops.stop((beside[0] ?? topology.slots[0])!.name, null, signal).then(
    (left) => {
      cutOff = left;
      return "stopped";
    },
    (error) => (error instanceof Fault ? error : Promise.reject(error)),
  );
  return { bench, end, cutOff, shown, stopped, believed: () => bench.engine.beliefs().length, stops, signal };
}

test("a Spark that is silent for a moment is told again", async () => {
  const { bench, end, stopped, believed } = await aStop((name, nth) => (name === "spark-2" && nth === 1 ? cut : GONE));
  await using _ = bench;

  expect(end).toBe("stopped");
  expect(stopped.filter((name) => name === "spark-2")).toHaveLength(2);
  expect(believed()).toBe(0);
});

test("what is half stopped is no longer believed to serve, and that is said with what is left", async () => {
  const { bench, end, believed } = await aStop((name) => (name === "spark-1" ? GONE : SERVES));
  await using _ = bench;

  expect(end).toMatchObject({
    code: "stop_unverified",
    message: "What runs on spark-2 did not stop. Qwen3 14B is no longer running.",
    members: { evidence: expect.stringContaining("spark-2: container vllm_node is still there") },
  });
  expect(believed()).toBe(0);
});

test("what runs on whole is still believed in", async () => {
  const { bench, end, believed } = await aStop(() => SERVES);
  await using _ = bench;

  expect(end).toMatchObject({ code: "stop_unverified", message: expect.stringMatching(/Qwen3 14B still runs\.$/) });
  expect(believed()).toBe(1);
});

test("what cannot be looked at is not known, and is looked at once it can be", async () => {
  // From its first answer on the worker is silent.
  const silent: Record<string, Fault> = {};
  const { bench, end, shown, believed, stops, signal } = await aStop(
    (name) => {
      if (name === "spark-1") return GONE;
      silent[name] = cut;
      return cut;
    },
    0,
    silent,
  );
  await using _ = bench;
  expect(end).toMatchObject({
    code: "ssh_network",
    message: expect.stringMatching(/Whether Qwen3 14B still runs is not known\.$/),
  });
  await stops.lookAgain(signal);
  expect(believed()).toBe(1);

  delete silent["spark-2"];
  await stops.lookAgain(signal);
  expect(shown["spark-1"]).toBe(GONE);
  expect(believed()).toBe(0);
});

test("what was not known is none of its own any more once something else was loaded there", async () => {
  const silent: Record<string, Fault> = {};
  const { bench, shown, believed, stops, signal } = await aStop(
    (name) => {
      silent[name] = cut;
      return cut;
    },
    0,
    silent,
  );
  await using _ = bench;
  delete silent["spark-1"];
  delete silent["spark-2"];
  await bench.load(WIDE);
  shown["spark-1"] = GONE;

  await stops.lookAgain(signal);
  expect(believed()).toBe(1);
});

test.each([3, 0, null])(
  "requests that still run (%p) are waited for as long as the settings say, and it is said how many were cut off",
  async (running) => {
    const began = performance.now();
    const { bench, end, cutOff } = await aStop(() => GONE, running);
    await using _ = bench;

    expect([end, cutOff]).toEqual(["stopped", running]);
    expect(performance.now() - began).toBeLessThan(5_000);
  },
);

test("a Spark that obeys another controller refuses before anything is stopped on either, and stays believed in", async () => {
  const refused = new Fault("conflict", "fenced", "spark-2 obeys another Spark Control.");
  const passFence: SparkControl["passFence"] = ({ name }) =>
    name === "spark-2" ? Promise.reject(refused) : Promise.resolve();
  const { bench, end, stopped, believed } = await aStop(() => GONE, 0, {}, { passFence });
  await using _ = bench;

  expect(end).toBe(refused);
  expect(stopped).toEqual([]);
  expect(believed()).toBe(1);
});

test("launches of the slot, and those that nobody knows, are ended; another slot's goes on", async () => {
  const killed: string[] = [];
  const { bench, end } = await aStop(
    () => GONE,
    0,
    {},
    {
      runningLaunches: ({ name }) =>
        Promise.resolve(name === "spark-1" ? ["launch-of-beside", "launch-of-nobody"] : []),
      killJob: (_node, id) => {
        killed.push(id);
        return Promise.resolve();
      },
    },
  );
  await using _ = bench;

  expect(end).toBe("stopped");
  expect(killed).toEqual(["launch-of-nobody"]);
});

test.each([
  ["container", aSlot({ name: "second", nodes: ["spark-2"], port: 8889 })],
  ["port", aSlot({ name: "second", nodes: ["spark-2"], container: "second" })],
])("what another slot serves under the same %s is not this slot's to stop", async (_what, second) => {
  const { bench, end, stopped, believed } = await aStop(() => GONE, 0, {}, {}, [second]);
  await using _ = bench;

  expect(end).toBe("stopped");
  expect([stopped, believed()]).toEqual([[], 1]);
});

test("a person who ends the reservation while nothing has been stopped yet ends the stop", async () => {
  const ended = new Fault("conflict", "reservation_lost", "A person has ended the reservation.");
  const { bench, end, stopped, believed } = await aStop(() => GONE, 0, {}, {}, [], AbortSignal.abort(ended));
  await using _ = bench;

  expect(end).toBe(ended);
  expect([stopped, believed()]).toEqual([[], 1]);
});
