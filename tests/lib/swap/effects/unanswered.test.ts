/** What has listed itself and then answers no chat: the swap ends in time, and says what was not answered and why. */
import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { servedSource } from "../../../../lib/catalog/catalog.ts";
import { Fault } from "../../../../lib/fault.ts";
import type { HttpAnswer, JobReading, SparkControl } from "../../../../lib/swap/cluster.ts";
import { verify } from "../../../../lib/swap/effects/verify.ts";
import { RunLog } from "../../../../lib/swap/run-log.ts";
import { aModel, aServingView, aView, unreachable } from "../_fixtures.ts";
import { aRun, type RunOptions, type TestRun } from "./_run.ts";

const never = new AbortController().signal;
const MIB = 1 << 20;
const RUNS = aServingView("vllm serve x");
const RUNNING = { state: "running", exitCode: null } as const;
const ENDED = { state: "exited", exitCode: 1 } as const;
const HARMLESS = "OSError: openai/x does not appear to have a file named preprocessor_config.json, going on without it";
const OOM = "torch.OutOfMemoryError: CUDA out of memory.";
const UNANSWERED = "/v1/chat/completions: HTTP 500 template error";
const UNREADABLE = new Fault("upstream", "ssh_exit_code", "spark-1: Reading a job failed.", {
  evidence: "exit code 2",
});
const ok: HttpAnswer = { status: 200, body: "" };

/** By the source: `launch`, or the name of a Spark. */
type Logs = Readonly<Record<string, string>>;

const readFrom =
  (logs: Logs, launcher: Pick<JobReading, "state" | "exitCode"> = RUNNING): SparkControl["readJob"] =>
  (node, id, offset, most) => {
    const text = logs[id.endsWith("-log") ? node.name : "launch"] ?? "";
    const chunk = new TextEncoder().encode(text).slice(offset, offset + most);
    return Promise.resolve({ ...launcher, chunk, nextOffset: offset + chunk.length, skipped: 0 });
  };

/** It runs and lists itself; its chat fails. */
const wedged: Partial<SparkControl> = {
  address: () => Promise.resolve("10.77.0.11"),
  get: (url) =>
    Promise.resolve(url.endsWith("/health") ? ok : { status: 200, body: { data: [{ id: servedSource(aModel()) }] } }),
  post: () => Promise.resolve({ status: 500, body: "template error" }),
  look: () => Promise.resolve(RUNS),
  readJob: readFrom({}),
};
const dead: Partial<SparkControl> = {
  get: () => Promise.resolve({ status: null, body: null }),
  look: () => Promise.resolve(aView()),
};

const aWedgedRun = ({ control, timing, ...options }: RunOptions = {}) =>
  aRun({ ...options, control: { ...wedged, ...control }, timing: { verifyDeadlineMs: 1, ...timing } });

async function failing(run: TestRun) {
  const event = await verify(run, "forward", never);
  if (event.type !== "failed") throw new Error(`it is ${event.type}`);
  return event.failure;
}

describe("one that runs", () => {
  test("is not explained by what its load could do without", async () => {
    const run = aWedgedRun({
      control: { readJob: readFrom({ launch: `${HARMLESS}\nApplication startup complete.\n` }) },
      stored: [HARMLESS, "Application startup complete."],
    });

    expect(await failing(run)).toMatchObject({ code: "not_answering", evidence: UNANSWERED });
  });

  test("is explained by what it has written since its first answer, and what it did not answer is told beside it", async () => {
    const run = aWedgedRun({ control: { readJob: readFrom({ launch: `${HARMLESS}\n${OOM}\n` }) }, stored: [HARMLESS] });

    expect(await failing(run)).toMatchObject({
      code: "out_of_memory",
      message: expect.stringContaining("does not answer a chat"),
      evidence: `${OOM}; ${UNANSWERED}`,
    });
  });

  test("ends the swap, too, where its log grows faster than it can be read", async () => {
    const chunk = new TextEncoder().encode(`${"x".repeat(MIB / 4 - 1)}\n`.repeat(4));
    const over = new AbortController();
    const readJob: SparkControl["readJob"] = async (_node, id, offset) => {
      await Bun.sleep(0);
      over.signal.throwIfAborted();
      const text = id.endsWith("-log") ? new Uint8Array() : chunk;
      return { ...RUNNING, chunk: text, nextOffset: offset + text.length, skipped: 0 };
    };
    const run = Object.assign(aWedgedRun({ control: { readJob } }), { logRemote: () => true });

    const event = await Promise.race([verify(run, "forward", over.signal), Bun.sleep(20_000)]);
    over.abort();

    expect(event).toMatchObject({ type: "failed", failure: { code: "not_answering", evidence: UNANSWERED } });
  }, 30_000);
});

test("of two Sparks the head's last words are told, however much the worker wrote after them", async () => {
  const log = new RunLog({ writeLog: () => {}, readTo: () => new Map(), leg: () => "forward" });
  const worker = Array.from({ length: 4_500 }, (_, at) => `NCCL INFO Channel ${at}\n`).join("");
  const readJob = readFrom({ "spark-1": `${OOM}\n`, "spark-2": worker }, ENDED);
  const run = Object.assign(aWedgedRun({ order: { model: aModel({ nodes: 2 }) }, control: { ...dead, readJob } }), {
    logRemote: log.take.bind(log),
    tail: log.tail.bind(log),
    beginReading: log.begin.bind(log),
  });

  expect(await failing(run)).toMatchObject({ code: "out_of_memory", evidence: OOM });
});

describe("where its log cannot be read for as long as a Spark is waited for", () => {
  const readJob = () => Promise.reject(UNREADABLE);
  const timing = { contactDeadlineMs: 20 };

  test("it is told that it does not answer, and what could not be read", async () => {
    expect(await failing(aWedgedRun({ control: { readJob }, timing }))).toMatchObject({
      code: "not_answering",
      message: "The model was loaded, but does not answer a chat. spark-1: Reading a job failed.",
      evidence: `${UNANSWERED}; exit code 2`,
    });
  });

  test("it is told that it has ended, and what was read of it before", async () => {
    const ended = await failing(aWedgedRun({ control: { ...dead, readJob }, timing }));
    const run = aWedgedRun({ control: { ...dead, readJob }, timing });
    run.logRemote({ source: "launch", text: OOM, end: OOM.length + 1 });
    const known = await failing(run);

    expect([ended.code, known.code]).toEqual(["model_died", "out_of_memory"]);
    expect(ended.evidence).toBe("docker inspect vllm_node on spark-1 finds no container that runs; exit code 2");
    expect(known.evidence).toBe(`${OOM}; exit code 2`);
  });
});

describe("a clock that is set while it is verified", () => {
  afterEach(() => void setSystemTime());

  test.each([
    ["where a Spark is not reached in that moment", [unreachable("spark-1")]],
    ["where its first chat takes long", []],
  ])("ends no load that is about to get ready, %s", async (_where, looks: Fault[]) => {
    let chats = 0;
    const post = (): Promise<HttpAnswer> => {
      if (++chats > 1) return Promise.resolve(ok);
      setSystemTime(new Date(Date.now() + 600_000));
      return Promise.resolve({ status: null, body: null });
    };
    const look = () => {
      const lost = looks.shift();
      return lost ? Promise.reject(lost) : Promise.resolve(RUNS);
    };
    const timing = { verifyDeadlineMs: 120_000, contactDeadlineMs: 180_000 };

    expect(await verify(aWedgedRun({ control: { post, look }, timing }), "forward", never)).toEqual({
      type: "verified",
    });
  });
});
