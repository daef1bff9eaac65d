import { describe, expect, test } from "bun:test";
import { servedSource } from "../../../../lib/catalog/catalog.ts";
import { Fault } from "../../../../lib/fault.ts";
import type { JobReading, NodeView, SparkControl } from "../../../../lib/swap/cluster.ts";
import { follow } from "../../../../lib/swap/effects/follow.ts";
import { aModel, aServingView, aView, unreachable } from "../_fixtures.ts";
import { aRun, type RunOptions } from "./_run.ts";

const never = new AbortController().signal;
const silence = { status: null, body: null };
const answer = { status: 200, body: { data: [{ id: servedSource(aModel()) }] } };

/** A launcher whose log arrives in these pieces, one a read; the last state stays. */
function launcher(
  pieces: readonly string[],
  end: Pick<JobReading, "state" | "exitCode">,
): Pick<SparkControl, "readJob"> {
  let read = 0;
  return {
    readJob: (_node, id, offset) => {
      const text = id.endsWith("-log") ? "" : (pieces[read++] ?? "");
      const chunk = new TextEncoder().encode(text);
      const ended = read >= pieces.length;
      const state = ended ? end : { state: "running" as const, exitCode: null };
      return Promise.resolve({ ...state, chunk, nextOffset: offset + chunk.length, skipped: 0 });
    },
  };
}

const alive = { look: () => Promise.resolve(aServingView("vllm serve x")) };
const dead = { look: () => Promise.resolve(aView()) };
const running = { state: "running", exitCode: null } as const;
const failing = async (options: RunOptions) => {
  const event = await follow(aRun(options), "forward", never);
  if (event.type !== "failed") throw new Error(`it ended with ${event.type}`);
  return event.failure;
};

describe("following a load", () => {
  test("ends as soon as the model lists itself, and the log read until then is whole", async () => {
    let asked = 0;
    const get = () => Promise.resolve(++asked < 4 ? silence : answer);
    const run = aRun({
      control: { ...launcher(["one\n", "two\n", "three\nhalf", " a line\n"], running), ...alive, get },
    });

    expect(await follow(run, "forward", never)).toEqual({ type: "answering" });
    expect(run.lines.filter((line) => line.startsWith("launch:")).slice(0, 2)).toEqual(["launch: one", "launch: two"]);
  });

  /** A MiB more at each look. */
  const endless = (state: Pick<JobReading, "state" | "exitCode">): Pick<SparkControl, "readJob"> => {
    const text = new TextEncoder().encode(`${"x".repeat(2 ** 18 - 1)}\n`.repeat(4));
    return {
      async readJob(_node, id, offset) {
        await Bun.sleep(0);
        const chunk = id.endsWith("-log") ? new Uint8Array() : text;
        return { ...state, chunk, nextOffset: offset + chunk.length, skipped: 0 };
      },
    };
  };

  test("ends where a log grows faster than it can be read: with what died, and with what answers", async () => {
    const ended = endless({ state: "exited", exitCode: 1 });
    expect((await failing({ control: { ...ended, ...dead, get: () => Promise.resolve(silence) } })).code).toBe(
      "launch_failed",
    );
    const run = aRun({ control: { ...endless(running), ...alive, get: () => Promise.resolve(answer) } });
    expect(await follow(run, "forward", never)).toEqual({ type: "answering" });
  }, 30_000);

  test("the end of the log is read again when the connection is cut in that moment", async () => {
    let answered = false;
    let cuts = 2;
    const { readJob } = launcher(["Starting to load model x\n", "Application startup complete.\n"], running);
    let begun = false;
    const cut: SparkControl["readJob"] = async (node, id, offset, ...of) => {
      const nothing = { ...running, chunk: new Uint8Array(), nextOffset: offset, skipped: 0 };
      if (id.endsWith("-log")) return nothing;
      if (!begun) {
        begun = true;
        return readJob(node, id, offset, ...of);
      }
      if (!answered) return nothing;
      if (cuts-- > 0) throw unreachable("spark-1");
      return readJob(node, id, offset, ...of);
    };
    const get = async () => {
      answered = begun;
      return begun ? answer : silence;
    };
    const run = aRun({ control: { readJob: cut, ...alive, get } });

    expect(await follow(run, "forward", never)).toEqual({ type: "answering" });
    expect(run.lines).toContain("launch: Application startup complete.");
  });

  test("one look that shows no vLLM is not its end: a process list may be read between two processes", async () => {
    let looks = 0;
    const look = () => Promise.resolve(++looks === 2 ? aView() : aServingView("vllm serve x"));
    const get = () => Promise.resolve(looks < 4 ? silence : answer);

    expect(await follow(aRun({ control: { ...launcher(["x\n"], running), look, get } }), "forward", never)).toEqual({
      type: "answering",
    });
  });

  test("an address that cannot be told for a while is asked for again", async () => {
    let asked = 0;
    const address = () => (++asked < 3 ? Promise.reject(unreachable("spark-1")) : Promise.resolve("10.77.0.1"));
    const control = { ...launcher(["x\n"], running), ...alive, address, get: () => Promise.resolve(answer) };

    expect(await follow(aRun({ control }), "forward", never)).toEqual({ type: "answering" });
  });

  test("another model on the port is not an answer", async () => {
    const get = () => Promise.resolve({ status: 200, body: { data: [{ id: "somebody/else" }] } });
    const control = { ...launcher(["x\n"], { state: "exited", exitCode: 1 }), ...dead, get };

    expect(await failing({ control })).toMatchObject({ code: "launch_failed" });
  });

  test("the phases of the log are told in order", async () => {
    const lines = ["vLLM API server version 0.11\n", "Starting to load model x\n", "Loading weights took 3 seconds\n"];
    let asked = 0;
    const get = () => Promise.resolve(++asked < 30 ? silence : answer);
    const run = aRun({ control: { ...launcher(lines, running), ...alive, get } });

    await follow(run, "forward", never);

    expect([...new Set(run.progressed.map(({ phase }) => phase))]).toEqual(["engine", "weights", "compile"]);
  });
});

/** A vLLM at the first look, whatever is there at the others. */
function seenFirst(then: () => Promise<NodeView>) {
  let looks = 0;
  return () => (++looks === 1 ? Promise.resolve(aServingView("vllm serve x")) : then());
}

describe("a load has failed", () => {
  const get = () => Promise.resolve(silence);

  test("when its launcher ended and docker top shows no vLLM; the log says why", async () => {
    const control = {
      ...launcher(["torch.OutOfMemoryError: CUDA out of memory.\n"], { state: "exited", exitCode: 1 }),
      ...dead,
      get,
    };

    expect(await failing({ control })).toMatchObject({
      code: "out_of_memory",
      evidence: "torch.OutOfMemoryError: CUDA out of memory.",
    });
  });

  test("not when its launcher ended and the model lives", async () => {
    let asked = 0;
    const late = () => Promise.resolve(++asked < 40 ? silence : answer);
    const control = { ...launcher(["x\n"], { state: "vanished", exitCode: null }), ...alive, get: late };

    expect(await follow(aRun({ control }), "forward", never)).toEqual({ type: "answering" });
  });

  test.each([
    ["the launcher stays", running, "x\n"],
    ["the launcher ended with the kill", { state: "exited", exitCode: 137 } as const, "x\n"],
    ["only the general line is in the log", { state: "exited", exitCode: 1 } as const, "EngineCore failed to start.\n"],
  ])("for memory where docker says so of its container, and %s", async (_what, ended, words) => {
    const container = { running: true, image: "vllm-node", startedAt: "", outOfMemory: true };
    const look = () => Promise.resolve(aView({ container }));

    expect(await failing({ control: { ...launcher([words], ended), look: seenFirst(look), get } })).toMatchObject({
      code: "out_of_memory",
      message: "Memory ran out on spark-1, and its kernel killed vLLM.",
      evidence: "docker inspect vllm_node on spark-1 shows OOMKilled",
      advice: expect.stringContaining("gpu_memory_utilization"),
    });
  });

  test("for what its log names, whatever docker says of memory", async () => {
    const container = { running: true, image: "vllm-node", startedAt: "", outOfMemory: true };
    const look = seenFirst(() => Promise.resolve(aView({ container })));
    const full = launcher(["OSError: [Errno 28] No space left on device\n"], { state: "exited", exitCode: 1 });

    expect(await failing({ control: { ...full, look, get } })).toMatchObject({ code: "disk_full" });
  });

  test("when vLLM has been seen and is gone, though launcher and container stay", async () => {
    let looks = 0;
    const look = () => Promise.resolve(++looks < 3 ? aServingView("vllm serve x") : aView());
    const control = { ...launcher(["x\n"], running), look, get };

    expect(await failing({ control })).toMatchObject({
      code: "model_died",
      evidence: "docker top on spark-1 shows no vLLM",
    });
  });

  test("when nothing new was logged for as long as the settings allow; repetition with other figures is nothing new", async () => {
    const repeating = Array.from({ length: 10_000 }, (_, second) => `No available block found in ${second} seconds\n`);
    const control = { ...launcher(repeating, running), ...alive, get };

    const failure = await failing({ control, settings: { stall_seconds: 0.2 } });

    expect(failure.code).toBe("stalled");
    expect(failure.evidence).toContain("No available block found");
  });

  test("when it took longer than the settings allow", async () => {
    let line = 0;
    const news = () => "abcdefghij".charAt(line % 10).repeat(1 + (line++ % 50));
    const readJob: SparkControl["readJob"] = (_node, _id, offset) => {
      const chunk = new TextEncoder().encode(`${news()}\n`);
      return Promise.resolve({ ...running, chunk, nextOffset: offset + chunk.length, skipped: 0 });
    };

    expect(await failing({ control: { readJob, ...alive, get }, settings: { load_limit_seconds: 0.1 } })).toMatchObject(
      { code: "load_limit" },
    );
  });

  test("when it took longer than the settings allow, also where each controller saw a part of it only", async () => {
    const control = { ...launcher(["x\n"], running), ...alive, get };
    const loadTimes = { watchedMs: 3_600_000, quietMs: 0 };
    expect(await failing({ control, loadTimes })).toMatchObject({ code: "load_limit" });
  });

  test("when it was quiet for too long over a restart: what was logged before tells nothing new", async () => {
    const control = { ...launcher(["Loading weights\n", "half a line"], running), ...alive, get };
    const quiet = { loadTimes: { watchedMs: 900_000, quietMs: 601_000 }, stored: ["Loading weights"] };
    expect(await failing({ control, ...quiet })).toMatchObject({ code: "stalled" });
  });

  test("not when it has gone on while no controller watched", async () => {
    let asked = 0;
    const late = () => Promise.resolve(++asked < 40 ? silence : answer);
    const control = { ...launcher(["Loading weights\nGraph capturing finished\n"], running), ...alive, get: late };
    const quiet = { loadTimes: { watchedMs: 900_000, quietMs: 601_000 }, stored: ["Loading weights"] };
    const run = aRun({ control, ...quiet });
    expect(await follow(run, "forward", never)).toEqual({ type: "answering" });
    expect(run.watchedTimes.at(-1)?.quietMs).toBeLessThan(601_000);
  });

  test("when the host was restarted", async () => {
    const control = { ...launcher(["x\n"], { state: "rebooted", exitCode: null }), ...dead, get };

    expect(await failing({ control })).toMatchObject({ code: "host_rebooted" });
  });

  test("when a worker was restarted, though its vLLM was never seen and the launcher goes on", async () => {
    const { readJob } = launcher(["x\n"], running);
    const control: Partial<SparkControl> = {
      readJob: async (node, ...of) => {
        const reading = await readJob(node, ...of);
        return node.name === "spark-2" ? { ...reading, state: "rebooted" } : reading;
      },
      look: (node) => Promise.resolve(node.name === "spark-2" ? aView() : aServingView("vllm serve x")),
      get,
    };

    expect(await failing({ control, order: { model: aModel({ nodes: 2 }) } })).toMatchObject({
      code: "host_rebooted",
      evidence: "spark-2: another boot id than at the launch",
    });
  });

  test("when the Spark has been silent for too long, with what the network said; a shorter silence is waited for", async () => {
    let reads = 0;
    const { readJob } = launcher(["x\n"], { state: "exited", exitCode: 1 });
    const flaky: SparkControl["readJob"] = (...of) =>
      ++reads < 6 ? Promise.reject(unreachable("spark-1")) : readJob(...of);
    const run = aRun({ control: { readJob: flaky, ...dead, get } });
    expect(await follow(run, "forward", never)).toMatchObject({ failure: { code: "launch_failed" } });
    // The job says what it waits for, in the words of the network.
    expect([run.waits[0], run.waits.at(-1)]).toEqual(["connect ETIMEDOUT", null]);

    const away: SparkControl["readJob"] = () => Promise.reject(unreachable("spark-1"));
    const silent = await failing({ control: { readJob: away, ...dead, get }, timing: { contactDeadlineMs: 20 } });
    expect(silent).toMatchObject({ code: "ssh_network" });
  });

  describe("when its Spark obeys another controller by now, in the Spark's own words", () => {
    const refusal = new Fault("conflict", "fenced", "spark-1 obeys another Spark Control.", {
      evidence: "fenced instance b",
    });
    const taken: Partial<SparkControl> = {
      fence: () => Promise.resolve({ foreign: "b", generation: 9 }),
      passFence: () => Promise.reject(refusal),
    };
    const refused = (options: RunOptions) =>
      expect(follow(aRun({ settings: { stall_seconds: 0.2 }, ...options }), "forward", never)).rejects.toBe(refusal);

    test("though what the other one loads there is taken for its own", () =>
      refused({ control: { ...launcher(["x\n"], running), ...alive, ...taken, get } }));

    test("though its own launch was ended meanwhile", () =>
      refused({ control: { ...launcher(["x\n"], { state: "vanished", exitCode: null }), ...dead, ...taken, get } }));

    test("though the same model answers there", () => {
      const control = { ...launcher(["x\n"], running), ...alive, ...taken, get: () => Promise.resolve(answer) };
      return refused({ control, timing: { lookMs: 1_000_000 } });
    });

    test("also one with these data, that counted on: a generation that was never given out here", () => {
      const counted: SparkControl["fence"] = () => Promise.resolve({ foreign: null, generation: 9 });
      return refused({ control: { ...launcher(["x\n"], running), ...alive, ...taken, fence: counted, get } });
    });

    test("not for a later swap of its own beside it", async () => {
      let asked = 0;
      const late = () => Promise.resolve(++asked < 20 ? silence : answer);
      const counted: SparkControl["fence"] = () => Promise.resolve({ foreign: null, generation: 8 });
      const control = { ...launcher(["x\n"], running), ...alive, ...taken, fence: counted, get: late };
      expect(await follow(aRun({ control }), "forward", never)).toEqual({ type: "answering" });
    });

    test("not while the Spark cannot be asked", async () => {
      let asked = 0;
      const late = () => Promise.resolve(++asked < 20 ? silence : answer);
      const away: SparkControl["fence"] = () => Promise.reject(unreachable("spark-1"));
      const control = { ...launcher(["x\n"], running), ...alive, ...taken, fence: away, get: late };
      expect(await follow(aRun({ control }), "forward", never)).toEqual({ type: "answering" });
    });
  });

  test("an abort ends both loops at once", async () => {
    const abort = new AbortController();
    const control = { ...launcher(["x\n"], running), ...alive, get };
    const followed = follow(aRun({ control }), "forward", abort.signal);

    abort.abort(new Error("cancelled"));

    await expect(followed).rejects.toThrow("cancelled");
  });
});
