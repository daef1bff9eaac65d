import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { advance, LOAD_BEGINS, LOAD_PHASES, type LoadProgress } from "../../../lib/swap/phases.ts";

const API = "(APIServer pid=301) ";
const ENGINE = "(EngineCore pid=412) ";
const bar = (what: string, percent: number, done: number, of: number) =>
  `${ENGINE}${what}: ${String(percent).padStart(3)}% Completed | ${done}/${of} [00:12<00:40, 3.10s/it]`;

/** The log of a start in order, with the progress that each line leads to. */
const START: readonly (readonly [line: string, phase: LoadProgress["phase"], part: number | null])[] = [
  ["Executing command: vllm serve Qwen/Qwen3-14B", "containers", null],
  [`${API}INFO 01-01 10:00:00 [api_server.py:1839] vLLM API server version 0.11.2`, "engine", null],
  [
    `${ENGINE}INFO 01-01 10:00:09 [core.py:93] Initializing a V1 LLM engine (v0.11.2) with config: model='x'`,
    "engine",
    null,
  ],
  [`${ENGINE}INFO 01-01 10:00:20 [gpu_model_runner.py:3259] Starting to load model Qwen/Qwen3-14B...`, "weights", null],
  [bar("Loading safetensors checkpoint shards", 0, 0, 4), "weights", null],
  [bar("Loading safetensors checkpoint shards", 25, 1, 4), "weights", 0.25],
  [bar("Loading safetensors checkpoint shards", 100, 4, 4), "weights", 1],
  [`${ENGINE}INFO 01-01 10:04:00 [default_loader.py:314] Loading weights took 212.31 seconds`, "compile", null],
  [
    `${ENGINE}INFO 01-01 10:04:01 [gpu_model_runner.py:3338] Model loading took 27.5 GiB memory and 215.0 seconds`,
    "compile",
    null,
  ],
  [`${ENGINE}INFO 01-01 10:04:20 [backends.py:548] Dynamo bytecode transform time: 8.21 s`, "compile", null],
  [`${ENGINE}INFO 01-01 10:04:50 [monitor.py:34] torch.compile takes 38.20 s in total`, "compile", null],
  [`${ENGINE}INFO 01-01 10:04:55 [gpu_worker.py:349] Available KV cache memory: 61.02 GiB`, "kv_cache", null],
  [`${ENGINE}INFO 01-01 10:04:55 [kv_cache_utils.py:1229] GPU KV cache size: 499,872 tokens`, "kv_cache", null],
  [
    `${ENGINE}INFO 01-01 10:04:58 [kernel_warmup.py:65] Warming up FlashInfer attention. Autotuning process starts`,
    "graphs",
    null,
  ],
  [`${ENGINE}Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  10%|█         | 7/67`, "graphs", 0.1],
  [`${ENGINE}Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): 100%|██████████| 67/67`, "graphs", 1],
  [
    `${ENGINE}INFO 01-01 10:05:20 [gpu_model_runner.py:4244] Graph capturing finished in 21 secs, took 0.84 GiB`,
    "warmup",
    null,
  ],
  [
    `${ENGINE}INFO 01-01 10:05:22 [core.py:247] init engine (profile, create kv cache, warmup model) took 81.4 seconds`,
    "warmup",
    null,
  ],
  [`${API}INFO 01-01 10:05:24 [api_server.py:1910] Starting vLLM API server 0 on http://0.0.0.0:8888`, "serving", null],
  [`${API}INFO:     Application startup complete.`, "serving", null],
];

const follow = (lines: readonly string[], from = LOAD_BEGINS) => lines.reduce(advance, from);

describe("the phases of a start", () => {
  test("are read from its log line by line", () => {
    let progress = LOAD_BEGINS;
    const seen = START.map(([line]) => {
      progress = advance(progress, line);
      return [line, progress.phase, progress.part] as const;
    });

    expect(seen).toEqual([...START]);
  });

  test("are all reached by a whole start, in their order", () => {
    let progress = LOAD_BEGINS;
    const reached = START.map(([line]) => {
      progress = advance(progress, line);
      return progress.phase;
    });

    expect([...new Set(reached)]).toEqual([...LOAD_PHASES]);
  });

  test.each([
    "Loading safetensors checkpoint shards",
    "Loading pt checkpoint shards",
    "Loading safetensors using Fastsafetensor loader",
    "Loading safetensors using Runai Model Streamer",
    "Multi-thread loading shards",
  ])("the weights tell their percents: %s", (what) => {
    expect(advance(LOAD_BEGINS, bar(what, 42, 5, 12))).toEqual({ phase: "weights", part: 0.42 });
  });

  test("a later phase is taken although its predecessors said nothing", () => {
    expect(follow([`${API}INFO:     Application startup complete.`]).phase).toBe("serving");
  });

  test("a line without news gives the very same object", () => {
    const progress = follow([bar("Loading safetensors checkpoint shards", 50, 2, 4)]);

    expect(advance(progress, bar("Loading safetensors checkpoint shards", 50, 2, 4))).toBe(progress);
    expect(advance(progress, "something else entirely")).toBe(progress);
    expect(advance(progress, "")).toBe(progress);
  });

  test("a second bar of the same phase, which begins at 0 again, does not take the first one back", () => {
    const after = follow([
      `${ENGINE}Capturing CUDA graphs (mixed prefill-decode, PIECEWISE): 100%|██████████| 67/67`,
      `${ENGINE}Capturing CUDA graphs (decode, FULL):   3%|          | 1/35`,
    ]);

    expect(after).toEqual({ phase: "graphs", part: 1 });
  });

  test("more than 100 % counts as 100 %", () => {
    expect(advance(LOAD_BEGINS, bar("Loading pt checkpoint shards", 250, 5, 2)).part).toBe(1);
  });
});

test("property: shuffled lines and rubbish never move the progress back", () => {
  const percentage = fc
    .tuple(fc.constantFrom("Loading safetensors checkpoint shards", "Loading pt checkpoint shards"), fc.nat(120))
    .map(([what, percent]) => bar(what, percent, percent, 120));
  const line = fc.oneof(fc.constantFrom(...START.map(([text]) => text)), percentage, fc.string());
  const order = ({ phase, part }: LoadProgress) => LOAD_PHASES.indexOf(phase) + (part ?? 0) / 2;

  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      let progress = LOAD_BEGINS;
      for (const text of lines) {
        const next = advance(progress, text);
        expect(order(next)).toBeGreaterThanOrEqual(order(progress));
        expect(next.part === null || (next.part >= 0 && next.part <= 1)).toBe(true);
        progress = next;
      }
    }),
    { numRuns: 2_000 },
  );
});
