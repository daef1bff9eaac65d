/** The card of a Spark from what it says, whatever that is. */
import { describe, expect, test } from "bun:test";
import { Value } from "@sinclair/typebox/value";
import fc from "fast-check";
import { cardOf, emptyCard, HardwareCardSchema } from "../../../lib/hardware/card.ts";
import { cpuPercent, readCpu } from "../../../lib/hardware/parse.ts";
import { type Answers, answersIn, COMMANDS } from "../../../lib/hardware/questions.ts";
import { BUSYBOX, GB10, NO_DRIVER } from "./_recorded.ts";

const AT = "2026-01-31T12:00:00.000+00:00";
const MIB = 1024 ** 2;
const card = (answers: Answers, before: Parameters<typeof cardOf>[3] = null) =>
  cardOf("spark-1", AT, answers, before).card;

describe("a GB10", () => {
  test("fills its card, with gaps where nvidia-smi has [N/A]", () => {
    expect(card(GB10)).toEqual({
      name: "spark-1",
      at: AT,
      problem: null,
      gpu: {
        name: "NVIDIA GB10",
        driver: "580.95.05",
        percent: 96,
        celsius: 71,
        watts: 62.35,
        power_limit_watts: null,
        sm_mhz: 2418,
        memory_mhz: null,
        pstate: "P0",
      },
      memory: { total_bytes: 125_518_228 * 1024, available_bytes: 24_120_388 * 1024 },
      processes: [
        { pid: 48213, name: "VLLM::EngineCore", gpu_bytes: 98_304 * MIB, resident_bytes: 3_811_232 * 1024 },
        { pid: 51220, name: "python3.12", gpu_bytes: 4_312 * MIB, resident_bytes: 912_344 * 1024 },
        { pid: 48102, name: "vllm", gpu_bytes: null, resident_bytes: 1_504_220 * 1024 },
        { pid: 3311, name: "Xorg", gpu_bytes: null, resident_bytes: 120_044 * 1024 },
      ],
      cpu: { percent: null, cores: 2, load: 4.41 },
      disk: {
        total_bytes: 3_844_550_000 * 1024,
        used_bytes: 1_126_400_000 * 1024,
        available_bytes: 2_522_000_000 * 1024,
      },
      uptime_seconds: 266_531.17,
      vpn_address: "10.77.13.2",
    });
  });

  test("shows no argument of a process: it may be a key", () => {
    expect(JSON.stringify(card(GB10))).not.toContain("hunter2");
  });

  test("needs nothing but a login: no sudo, no docker", () => {
    for (const command of COMMANDS) expect(command).not.toMatch(/sudo|docker/);
  });
});

describe("other machines", () => {
  test("without a working driver have no GPU, and all the rest", () => {
    const { gpu, processes, ...rest } = card(NO_DRIVER);

    expect(gpu).toBeNull();
    expect(processes.map(({ gpu_bytes }) => gpu_bytes)).toEqual([null, null, null]);
    const { gpu: _, processes: __, ...whole } = card(GB10);
    expect(rest).toEqual(whole);
  });

  test("with BusyBox tools tell what those can", () => {
    expect(card(BUSYBOX)).toMatchObject({
      gpu: null,
      memory: { total_bytes: 125_518_228 * 1024 },
      processes: [
        { pid: 812, name: "serve.py", gpu_bytes: null, resident_bytes: Math.round(1.2 * 1024 ** 2) * 1024 },
        { pid: 813, name: "qdrant", gpu_bytes: null, resident_bytes: 412 * MIB },
      ],
      cpu: { percent: null, cores: 2, load: 0 },
      disk: { total_bytes: 61_255_492 * 1024, available_bytes: 37_012_332 * 1024 },
      uptime_seconds: 71.32,
      vpn_address: "10.77.13.8",
    });
  });

  test("that say nothing have an empty card", () => {
    expect(card(answersIn([]))).toEqual({ ...emptyCard("spark-1"), at: AT });
  });
});

describe("the use of the processors", () => {
  const reading = (busy: number, idle: number) => readCpu(`cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\n`);

  test("is that between two looks", () => {
    expect(cpuPercent(reading(100, 900), reading(150, 1_050))).toBe(25);
  });

  test("is not known at the first look, after a restart, and when no time has passed", () => {
    expect(cpuPercent(null, reading(1, 1))).toBeNull();
    expect(cpuPercent(reading(100, 900), reading(5, 10))).toBeNull();
    expect(cpuPercent(reading(100, 900), reading(100, 900))).toBeNull();
  });
});

describe("10,000 outputs that no Spark has ever given", () => {
  const QUESTIONS = Object.keys(GB10) as (keyof Answers)[];
  const recorded = fc.constantFrom(GB10, NO_DRIVER, BUSYBOX);
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: fc.constantFrom(...'0123456789.,:[]{}"\n\t -%/NA<>einft@cpuMemTotalkB'), maxLength: 300 }),
    fc.json({ maxDepth: 4 }),
    fc.array(fc.anything(), { maxLength: 4 }).map((value) => {
      try {
        return JSON.stringify(value) ?? "";
      } catch {
        return "[";
      }
    }),
  );
  /** Cut off, doubled, with a piece replaced by garbage, or with numbers that no machine has. */
  const spoilt = (text: string) =>
    fc.oneof(
      fc.nat(text.length).map((at) => text.slice(0, at)),
      fc.nat(text.length).map((at) => text.slice(at)),
      fc
        .tuple(fc.nat(text.length), fc.nat(40), anything)
        .map(([at, length, with_]) => text.slice(0, at) + with_ + text.slice(at + length)),
      fc.constantFrom("9".repeat(400), "-1", "1e999", "NaN", "0x10", "٣").map((number) => text.replace(/\d+/g, number)),
      fc.constant(text + text),
    );
  const answers = recorded.chain((from) =>
    fc.tuple(...QUESTIONS.map((question) => fc.oneof(fc.constant(from[question]), spoilt(from[question]), anything))),
  );

  test("make a card with gaps, never an exception; every figure in it is a figure", () => {
    fc.assert(
      fc.property(answers, answers, (first, second) => {
        const asAnswers = (texts: readonly string[]) =>
          Object.fromEntries(QUESTIONS.map((question, index) => [question, texts[index]!])) as unknown as Answers;
        const { cpu } = cardOf("spark-1", AT, asAnswers(first), null);
        const made = card(asAnswers(second), cpu);

        const wrong = [...Value.Errors(HardwareCardSchema, made)].map(({ path, message }) => `${path}: ${message}`);
        expect(wrong).toEqual([]);
        const shown = JSON.stringify(made, (_, value) => {
          if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
          return value as unknown;
        });
        expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(made)));
        expect(made.processes.length).toBeLessThanOrEqual(8);
        for (const percent of [made.gpu?.percent, made.cpu.percent]) {
          if (percent == null) continue;
          expect(percent).toBeGreaterThanOrEqual(0);
          expect(percent).toBeLessThanOrEqual(100);
        }
        if (made.memory) expect(made.memory.available_bytes).toBeLessThanOrEqual(made.memory.total_bytes);
        for (const { name } of made.processes) expect(name).not.toMatch(/[\u0000-\u001f\u007f]/);
      }),
      { numRuns: 10_000 },
    );
  }, 120_000);
});
