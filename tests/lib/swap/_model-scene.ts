/** The Sparks, slots and models of the model test. */
import type { Timing } from "../../../lib/swap/timing.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { aModel, aSlot } from "./_fixtures.ts";

/** Coarse: a load takes about three seconds of virtual time. */
export const TIMING: Timing = {
  followMs: 800,
  probeMs: 500,
  lookMs: 1_500,
  sshDeadlineMs: 1_000,
  httpDeadlineMs: 1_000,
  stopGraceSeconds: 1,
  stopDeadlineMs: 3_000,
  verifyDeadlineMs: 3_000,
  drainAskMs: 600_000,
  settleMs: 8_000,
  settleLookMs: 700,
  contactDeadlineMs: 6_000,
};

export const NAMES = ["spark-1", "spark-2"] as const;
const repo = (name: string) => ({ kind: "repo", repo: `acme/${name}` }) as const;
export const MODELS = [
  aModel({ key: "one", source: repo("one"), gpu_memory_utilization: 0.5, size_gb: 10 }),
  aModel({ key: "two", source: repo("two"), nodes: 2, gpu_memory_utilization: 0.8, size_gb: 10 }),
  aModel({ key: "three", source: repo("three"), gpu_memory_utilization: 0.4, size_gb: 10 }),
];

export const SLOTS: readonly (readonly Slot[])[] = [
  [aSlot()],
  [aSlot(), aSlot({ name: "beside", port: 8889, container: "vllm_beside" })],
  [aSlot({ name: "left", nodes: ["spark-1"] }), aSlot({ name: "right", nodes: ["spark-2"] }), aSlot({ name: "both" })],
  [
    aSlot(),
    aSlot({ name: "beside", port: 8889, container: "vllm_beside" }),
    aSlot({ name: "right", nodes: ["spark-2"], port: 8890, container: "vllm_right" }),
  ],
];
export const ARRANGEMENTS = SLOTS.length;
