/**
 * What went through each upstream lately, at a glance: how many requests, how soon the first word, how fast the rest. In
 * memory, by pieces of five minutes over a day, so that a look costs nothing however many requests there were.
 */
import { type Static, Type } from "@sinclair/typebox";
import { hasUpstreamFailed } from "../fault.ts";
import { isoTime } from "../ids.ts";
import { Nullable } from "../schema.ts";
import type { RequestOutcome } from "./activity.ts";

const STEP_MS = 300_000;
const STEPS_IN_A_DAY = 288;
/** One more than fits between a midnight and the next: a day of 25 hours has them all. */
const STEPS_KEPT = STEPS_IN_A_DAY + 13;
const STEPS_IN_AN_HOUR = 12;
/** What is called recent: the step that is under way and those before it. */
const RECENT_STEPS = 3;
/** Of each piece, the last so many are enough for a median. */
const MOST_SAMPLES = 100;
/** An answer that comes at once when it is complete says nothing of its first word, nor of a speed. */
const LEAST_STREAMED = 0.1;

const Figures = (description: string) => Type.Array(Nullable(Type.Number()), { description });

export const TrafficSchema = Type.Object(
  {
    upstream: Type.String(),
    from: Type.String({ description: "ISO 8601 UTC: since when `answered` and `failed` count, at most a day ago" }),
    answered: Type.Integer({ description: "Requests that were answered to their end with a status below 400" }),
    failed: Type.Integer({
      description: "Requests that the upstream failed: it broke off, gave no answer, or one from 500 on",
    }),
    first_token_ms: Nullable(Type.Number(), { description: "Median of the streamed answers of the last 15 minutes" }),
    tokens_per_second: Nullable(Type.Number(), {
      description: "The same: how fast an answer was written from its first token on",
    }),
    last_hour: Type.Object(
      {
        step_seconds: Type.Integer(),
        answered: Type.Array(Type.Integer(), { description: "Oldest first" }),
        first_token_ms: Figures("Medians; null where nothing was streamed"),
        tokens_per_second: Figures("Medians; null where nothing was streamed"),
      },
      { title: "TrafficOfAnHour" },
    ),
  },
  { title: "Traffic" },
);
export type Traffic = Static<typeof TrafficSchema>;

/** A request that is over. */
export interface Passed {
  readonly upstream: string | null;
  readonly outcome: RequestOutcome;
  /** Null when there was no answer. */
  readonly status: number | null;
  /** What was told in the place of an answer. */
  readonly fault: { readonly code: string } | null;
  /** From admission on; null when no byte came. */
  readonly firstByteSeconds: number | null;
  readonly seconds: number;
  /** Null when the answer does not tell. */
  readonly tokensOut: number | null;
}

interface Step {
  answered: number;
  failed: number;
  /** Milliseconds, and tokens per second, of the last answers that were streamed. */
  readonly firstTokens: number[];
  readonly speeds: number[];
  streamed: number;
}

export class TrafficCount {
  /** By upstream, then by number of the step since the epoch. */
  readonly #steps = new Map<string, Map<number, Step>>();

  /** @param at milliseconds since the epoch */
  note(passed: Passed, at: number): void {
    const { upstream, outcome, status, firstByteSeconds, seconds, tokensOut } = passed;
    if (upstream === null) return;
    const hasAnswered = outcome === "complete" && status !== null && status < 400;
    const hasFailed = hasUpstreamFailed(passed);
    if (!hasAnswered && !hasFailed) return;
    const step = this.#step(upstream, Math.floor(at / STEP_MS));
    if (hasFailed) step.failed++;
    else step.answered++;
    if (!hasAnswered || firstByteSeconds === null || tokensOut === null || tokensOut < 2) return;
    const streamed = seconds - firstByteSeconds;
    if (streamed <= seconds * LEAST_STREAMED) return;
    const place = step.streamed++ % MOST_SAMPLES;
    step.firstTokens[place] = firstByteSeconds * 1000;
    // The first token is there when the time begins.
    step.speeds[place] = (tokensOut - 1) / streamed;
  }

  /** @param from @param now milliseconds since the epoch */
  of(upstream: string, from: number, now: number): Traffic {
    const steps = this.#steps.get(upstream) ?? new Map<number, Step>();
    const current = Math.floor(now / STEP_MS);
    const first = Math.max(Math.floor(from / STEP_MS), current - STEPS_KEPT + 1);
    const known = [...steps].filter(([number]) => number >= first && number <= current).map(([, step]) => step);
    const hour = Array.from({ length: STEPS_IN_AN_HOUR }, (_, at) => steps.get(current - STEPS_IN_AN_HOUR + 1 + at));
    const recent = hour.slice(-RECENT_STEPS).flatMap((step) => step ?? []);
    return {
      upstream,
      from: isoTime(first * STEP_MS),
      answered: sum(known.map(({ answered }) => answered)),
      failed: sum(known.map(({ failed }) => failed)),
      first_token_ms: median(recent.flatMap(({ firstTokens }) => firstTokens)),
      tokens_per_second: median(recent.flatMap(({ speeds }) => speeds)),
      last_hour: {
        step_seconds: STEP_MS / 1000,
        answered: hour.map((step) => step?.answered ?? 0),
        first_token_ms: hour.map((step) => median(step?.firstTokens ?? [])),
        tokens_per_second: hour.map((step) => median(step?.speeds ?? [])),
      },
    };
  }

  /** How many are kept, of all upstreams. */
  get pieces(): number {
    return sum([...this.#steps.values()].map(({ size }) => size));
  }

  #step(upstream: string, number: number): Step {
    let steps = this.#steps.get(upstream);
    if (!steps) {
      steps = new Map();
      this.#steps.set(upstream, steps);
    }
    let step = steps.get(number);
    if (!step) {
      step = { answered: 0, failed: 0, firstTokens: [], speeds: [], streamed: 0 };
      steps.set(number, step);
      for (const old of steps.keys()) if (old <= number - STEPS_KEPT) steps.delete(old);
    }
    return step;
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return Math.round(middle * 10) / 10;
}
