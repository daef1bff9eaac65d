import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CACHED_MODELS, startSeconds, weightsGb } from "../../../lib/simulator/model-sizes.ts";
import { parseVllmArguments } from "../../../lib/simulator/vllm-arguments.ts";

interface ShippedModel {
  readonly repo: string;
  readonly size_gb: number;
  readonly args?: readonly string[];
}

const SHIPPED = Object.values(
  (
    parse(readFileSync(join(import.meta.dir, "../../../config/models.yaml"), "utf8")) as {
      models: Record<string, ShippedModel>;
    }
  ).models,
);

describe("arguments of vllm serve", () => {
  test("are read in each spelling", () => {
    const given =
      "a/b --port=8888 -tp 2 --max-model-len 32k --gpu_memory_utilization 0.8 --served-model-name x y --trust-remote-code";

    expect(parseVllmArguments(given.split(" "))).toEqual({
      ok: true,
      arguments: {
        model: "a/b",
        host: "0.0.0.0",
        port: 8888,
        servedNames: ["x", "y"],
        memoryUtilization: 0.8,
        maxModelLen: 32_000,
        tensorParallel: 2,
      },
    });
  });

  const refused: readonly (readonly [readonly string[], string])[] = [
    [["a/b", "--foo", "1", "--bar"], "unrecognized arguments: --foo 1 --bar"],
    [["a/b", "c/d"], "unrecognized arguments: c/d"],
    [["a/b", "--port"], "argument --port: expected one argument"],
    [["a/b", "--port", "eight"], "argument --port: invalid int value: 'eight'"],
    [["a/b", "--gpu-memory-utilization", "lots"], "argument --gpu-memory-utilization: invalid float value: 'lots'"],
    [["a/b", "--max-model-len", "many"], "argument --max-model-len: invalid human_readable_int_or_auto value: 'many'"],
    [
      ["a/b", "--hf-overrides", "{a:1}"],
      "argument --hf-overrides: Value {a:1} cannot be converted to <function loads>.",
    ],
    [["a/b", "--enforce-eager=yes"], "argument --enforce-eager: ignored explicit argument 'yes'"],
  ];
  for (const [argv, message] of refused) {
    test(`refuses ${argv.join(" ")}`, () => {
      expect(parseVllmArguments(argv)).toEqual({ ok: false, message });
    });
  }

  test("of the shipped models are all understood", () => {
    const outcomes = SHIPPED.map(({ repo, args = [] }) => parseVllmArguments([repo, ...args]).ok);

    expect(outcomes.length).toBeGreaterThan(4);
    expect(outcomes.every(Boolean)).toBe(true);
  });
});

describe("sizes of models", () => {
  test("the shipped models are in the simulated cache, with their size", () => {
    for (const { repo, size_gb } of SHIPPED) {
      expect(Object.keys(CACHED_MODELS)).toContain(repo);
      expect(Math.abs(weightsGb(repo) - size_gb)).toBeLessThan(3);
    }
  });

  test("others are guessed from their name", () => {
    expect(weightsGb("acme/Acme-70B-AWQ")).toBeCloseTo(39.9);
    expect(weightsGb("acme/Acme-7B-FP8")).toBeCloseTo(7.2, 1);
    expect(weightsGb("acme/acme-3b")).toBeCloseTo(6.15);
  });

  test("a start takes about a minute for 20B and about 400 s for 235B", () => {
    expect(startSeconds(weightsGb("openai/gpt-oss-20b"))).toBeCloseTo(60, -1);
    expect(startSeconds(weightsGb("QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ"))).toBeCloseTo(402, -1);
  });
});
