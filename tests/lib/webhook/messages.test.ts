import { describe, expect, test } from "bun:test";
import type { FactEvent } from "../../../lib/events/event.ts";
import type { Lock } from "../../../lib/lock/lock.ts";
import { bodyOf, messageOf } from "../../../lib/webhook/messages.ts";
import { WEBHOOK_EVENTS } from "../../../lib/webhook/webhook.ts";
import { AT, ended, nodeFact, swapFact } from "./_bench.ts";

const LOCK: Lock = {
  holder: "nightly",
  acquired_at: AT,
  expires_at: AT,
  seconds_remaining: 10,
  note: "index",
  slots: null,
  nodes: null,
  generation: 9,
  reason: null,
};
const nothing = { node: () => null };
const told = (event: FactEvent) => messageOf(event, nothing);

const FACTS: readonly (readonly [string, FactEvent])[] = [
  ["swap_started", swapFact()],
  ["swap_complete", ended("ready")],
  ["swap_failed", ended("failed")],
  ["lock_acquired", { type: "lock.acquired", at: AT, lock: LOCK, by: "curl", repeated: false }],
  ["lock_released", { type: "lock.released", at: AT, lock: LOCK }],
  ["lock_forced", { type: "lock.forced", at: AT, lock: LOCK, by: "dashboard", reason: "it hangs" }],
  ["lock_expired", { type: "lock.expired", at: AT, lock: LOCK }],
  ["node_down", nodeFact("spark-1", false)],
  ["service_down", { type: "service.changed", at: AT, service: "main", node: "spark-1", model: "qwen", is: "down" }],
  ["service_up", { type: "service.changed", at: AT, service: "main", node: "spark-1", model: "qwen", is: "up" }],
];

describe("facts and what is told of them", () => {
  test.each(FACTS)("%s", (name, fact) => {
    expect(told(fact)?.event).toBe(name as never);
  });

  test("there is no event that nothing leads to", () => {
    const up = messageOf(nodeFact("spark-1", true), { node: () => nodeFact("spark-1", false) as never });
    const names = [...FACTS.map(([, fact]) => told(fact)?.event), up?.event];

    expect([...new Set(names)].sort()).toEqual([...WEBHOOK_EVENTS].sort() as never);
  });

  test("a forced release says who and why, a dropped one why; both name the generation", () => {
    expect(told({ type: "lock.forced", at: AT, lock: LOCK, by: "dashboard", reason: "it hangs" })?.data).toEqual({
      holder: "nightly",
      note: "index",
      slots: null,
      generation: 9,
      acquired_at: AT,
      expires_at: AT,
      by: "dashboard",
      reason: "it hangs",
    });
    expect(told({ type: "lock.dropped", at: AT, lock: LOCK, reason: "old data" })).toMatchObject({
      event: "lock_expired",
      data: { by: null, reason: "old data" },
    });
  });

  test("nothing of a renewal, a repeat, a step of a swap, a change of settings", () => {
    expect(told({ type: "lock.renewed", at: AT, lock: LOCK })).toBeNull();
    expect(told({ type: "lock.acquired", at: AT, lock: LOCK, by: "curl", repeated: true })).toBeNull();
    expect(told(swapFact({ state: "loading" }))).toBeNull();
    expect(told({ type: "config.changed", at: AT, sources: [], problems: 0 })).toBeNull();
  });

  test("the body is small, whatever a swap had to say", () => {
    const body = bodyOf(told(ended("failed", { reason: "x".repeat(100_000) }))!);

    expect(body.length).toBeLessThan(2_000);
  });
});
