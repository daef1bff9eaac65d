/** Models, slots and views of Sparks to test with; each takes what the test is about and fills in the rest. */
import type { Model } from "../../../lib/catalog/catalog.ts";
import { Fault } from "../../../lib/fault.ts";
import type { NodeView, SparkControl } from "../../../lib/swap/cluster.ts";
import type { PhaseSeconds } from "../../../lib/swap/eta.ts";
import type { Belief } from "../../../lib/swap/facts.ts";
import type { Gate } from "../../../lib/swap/gate.ts";
import { initialState } from "../../../lib/swap/machine.ts";
import { LOAD_PHASES, type LoadPhase } from "../../../lib/swap/phases.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import type { SwapRecord } from "../../../lib/swap/swap-store.ts";
import { SETTING_DEFAULTS } from "../../../lib/topology/load-settings.ts";
import type { Node, Settings, Slot, Topology } from "../../../lib/topology/topology.ts";

export const GIB = 2 ** 30;
/** What a Spark has, rounded so that shares of it are whole numbers. */
export const TOTAL_BYTES = 128_000_000_000;

export function aModel(given: Partial<Model> = {}): Model {
  return {
    key: "qwen3-14b",
    name: "Qwen3 14B",
    source: { kind: "repo", repo: "Qwen/Qwen3-14B" },
    nodes: 1,
    quantization: null,
    size_gb: 30,
    gpu_memory_utilization: 0.5,
    max_model_len: null,
    served_name: null,
    aliases: [],
    args: [],
    chat_template: null,
    env: {},
    mods: [],
    image: null,
    note: null,
    origin: "shipped",
    ...given,
  };
}

export function aSlot(given: Partial<Slot> = {}): Slot {
  return {
    name: "main",
    nodes: ["spark-1", "spark-2"],
    port: 8888,
    container: "vllm_node",
    image: "vllm-node",
    ...given,
  };
}

export function aNode(name: string, given: Partial<Node> = {}): Node {
  return {
    status: "configured",
    name,
    host: name,
    user: "alice",
    ssh_port: 22,
    address: `10.77.0.${name.replace(/\D/g, "")}`,
    launch_dir: "~/spark-vllm-docker",
    eth_if: null,
    ib_if: null,
    ...given,
  };
}

export const SETTINGS: Settings = {
  ...SETTING_DEFAULTS,
  auto_restart_vllm: false,
  gateway_limit: "fixed",
  gateway_routing: "refuse",
  drain_on_timeout: "ask",
  allowed_hosts: [],
  cors_origins: [],
  trusted_proxies: [],
};

export function aTopology(given: Partial<Topology> = {}): Topology {
  return {
    nodes: [aNode("spark-1"), aNode("spark-2")],
    nodesAreAll: true,
    slots: [aSlot()],
    services: [],
    settings: SETTINGS,
    problems: [],
    ...given,
  };
}

/** An idle Spark with nearly all of its memory free. */
export function aView(given: Partial<NodeView> = {}): NodeView {
  return {
    bootId: "5c2d6a14-9a3e-4b8e-8c51-1d2f3a4b5c6d",
    clockSkewSeconds: 0,
    memory: { totalBytes: TOTAL_BYTES, availableBytes: 120_000_000_000 },
    portOpen: false,
    container: null,
    vllm: [],
    strangers: [],
    ...given,
  };
}

/** A Spark on which a vLLM serves. */
export function aServingView(commandLine: string, given: Partial<NodeView> = {}): NodeView {
  return aView({
    portOpen: true,
    container: { running: true, image: "vllm-node", startedAt: "2026-01-01T00:00:00Z" },
    vllm: [commandLine],
    memory: { totalBytes: TOTAL_BYTES, availableBytes: 50_000_000_000 },
    ...given,
  });
}

export function aBelief(model: Model, given: Partial<Belief> = {}): Belief {
  return {
    slot: "main",
    model,
    job_id: "job-before",
    since: "2026-01-01T00:00:00.000+00:00",
    nodes: ["spark-1"],
    launch_id: "job-before",
    ...given,
  };
}

export function aJob(given: Partial<SwapJob> = {}): SwapJob {
  return {
    job_id: "job-1",
    slot: "main",
    nodes: ["spark-1"],
    model: "qwen3-14b",
    model_name: "Qwen3 14B",
    previous_model: null,
    state: "planned",
    phase: "planned",
    leg: "forward",
    progress: 0,
    eta_seconds: null,
    reason: null,
    failure: null,
    rollback: true,
    rolled_back_to: null,
    rollback_failure: null,
    generation: 1,
    requested_by: "a test",
    created_at: "2026-01-01T00:00:00.000+00:00",
    updated_at: "2026-01-01T00:00:00.000+00:00",
    ended_at: null,
    phases: [],
    ...given,
  };
}

export function aRecord(given: Partial<SwapJob> = {}): SwapRecord {
  const job = aJob(given);
  return {
    job,
    machine: { ...initialState(false), state: job.state, phase: job.phase },
    order: { model: aModel({ key: job.model }), slot: aSlot({ name: job.slot }), previous: null },
  };
}

/** Seconds of a past load: the same for each phase, but for those given. */
export function aLoad(each: number, given: Partial<Record<LoadPhase, number>> = {}): PhaseSeconds {
  return { ...(Object.fromEntries(LOAD_PHASES.map((phase) => [phase, each])) as PhaseSeconds), ...given };
}

/** Sparks in memory: idle, reachable, with script, image and folders. What is not given and not harmless throws. */
export function someSparks(given: Partial<SparkControl> = {}): SparkControl {
  const refuse = (what: string) => () => Promise.reject(new Error(`${what} was not expected in this test`));
  return {
    address: (node) => Promise.resolve(node.address ?? node.host),
    look: () => Promise.resolve(aView()),
    launchScript: () => Promise.resolve("#!/bin/bash\n"),
    hasImage: () => Promise.resolve(true),
    hasFolder: () => Promise.resolve(true),
    freeDiskKib: () => Promise.resolve(1_000_000_000),
    stopContainer: refuse("stopContainer"),
    runningLaunches: () => Promise.resolve([]),
    launchedWith: () => Promise.resolve(null),
    fence: () => Promise.resolve({ foreign: null, generation: 0 }),
    passFence: () => Promise.resolve(),
    startJob: refuse("startJob"),
    keepLog: refuse("keepLog"),
    readJob: refuse("readJob"),
    killJob: refuse("killJob"),
    checkArguments: refuse("checkArguments"),
    get: refuse("get"),
    post: refuse("post"),
    ...given,
  };
}

/** What lib/spark throws when a node does not answer. */
export function unreachable(name: string): Fault {
  return new Fault("upstream", "ssh_network", `${name}: no connection`, {
    node: name,
    evidence: "connect ETIMEDOUT",
    advice: "Look whether it is on.",
  });
}

/** Nothing is reserved. */
export const OPEN_GATE: Gate = {
  permit: () => null,
  admit: () => null,
  isAwaited: () => false,
  reservationOfAnother: () => null,
  disruptionIn: () => null,
  disrupt: () => ({ forced: new AbortController().signal, end: () => undefined }),
};
