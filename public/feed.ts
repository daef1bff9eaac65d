/** The one stream that keeps the page current: a snapshot at every connect, then changes. */
import type { Models, Schedule, Slot, Status, SwapJob, Webhook } from "./api.ts";
import { fetchModels, fetchStatus, fetchSwaps } from "./api.ts";
import * as state from "./state.ts";

const PATIENCE_MS = 5_000;
const RETRY_MS = 3_000;
const HIDDEN_LIMIT_MS = 30_000;
/** The memory of the Sparks has no event of its own; the controller looks every 15 s. */
const NODES_EVERY_MS = 15_000;
const KEPT_SWAPS = 50;

let source: EventSource | null = null;
let cutSince: number | null = Date.now();
let patience: ReturnType<typeof setTimeout> | undefined;
let hidden: ReturnType<typeof setTimeout> | undefined;

/** Connects, and stays connected for as long as the page is looked at. */
export function startFeed(): void {
  open();
  setInterval(() => {
    if (source && state.connection.value.state === "live") quietly(refreshNodes());
  }, NODES_EVERY_MS);
  // Browsers allow six connections to a host: a tab that nobody sees gives its one back.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, HIDDEN_LIMIT_MS);
    else if (!source) open();
  });
}

function open(): void {
  waitForConnection();
  const stream = new EventSource("/api/events");
  source = stream;
  on<{ version: string; status: Status; models: Models }>(stream, "snapshot", ({ version, status, models }) => {
    connected();
    const known = state.controller.value;
    if (known && known.version !== version) state.outdated.value = true;
    takeConfiguration(status, models);
    state.running.value = status.swaps;
    quietly(refreshHistory());
  });
  on<SwapJob>(stream, "swap", takeSwap);
  on<Slot>(stream, "slot", (slot) => {
    state.slots.value = state.slots.value.map((known) => (known.name === slot.name ? slot : known));
  });
  on<Pick<Status, "nodes">>(stream, "nodes", ({ nodes }) => {
    state.nodes.value = nodes;
  });
  on<Pick<Status, "lock">>(stream, "lock", ({ lock }) => {
    state.lock.value = lock;
  });
  on<Schedule>(stream, "schedule", (schedule) => {
    state.schedule.value = schedule;
  });
  on<{ webhooks: Webhook[] }>(stream, "webhooks", ({ webhooks }) => {
    state.webhooks.value = webhooks;
  });
  on<{ status: Status; models: Models }>(stream, "config", ({ status, models }) => takeConfiguration(status, models));
  stream.onerror = () => {
    cutSince ??= Date.now();
    waitForConnection();
    if (stream.readyState !== EventSource.CLOSED || source !== stream) return;
    source = null;
    setTimeout(() => {
      if (!source && !document.hidden) open();
    }, RETRY_MS);
  };
}

function close(): void {
  source?.close();
  source = null;
  clearTimeout(patience);
  patience = undefined;
  cutSince = null;
}

function on<Data>(stream: EventSource, name: string, take: (data: Data) => void): void {
  stream.addEventListener(name, (event) => take(JSON.parse(event.data) as Data));
}

function connected(): void {
  clearTimeout(patience);
  patience = undefined;
  cutSince = null;
  if (state.connection.value.state !== "live") state.connection.value = { state: "live", since: Date.now() };
}

/** A short cut is nobody's business; a long one is said. */
function waitForConnection(): void {
  patience ??= setTimeout(() => {
    state.connection.value = { state: "lost", since: cutSince ?? Date.now() };
  }, PATIENCE_MS);
}

function takeConfiguration(status: Status, models: Models): void {
  const { version, simulated, configured, public_key: publicKey } = status;
  state.controller.value = { version, simulated, configured, publicKey };
  state.nodes.value = status.nodes;
  state.slots.value = status.slots;
  state.lock.value = status.lock;
  state.problems.value = status.problems;
  state.models.value = models.models;
}

function takeSwap(job: SwapJob): void {
  const others = state.running.value.filter((known) => known.job_id !== job.job_id);
  if (job.ended_at === null) {
    state.running.value = [...others, job];
    return;
  }
  state.running.value = others;
  const before = (state.settled.value ?? []).filter((known) => known.job_id !== job.job_id);
  state.settled.value = [job, ...before].slice(0, KEPT_SWAPS);
  quietly(refreshNodes());
  quietly(refreshModels());
}

/** Only what has no event: slots and swaps in an answer may be older than the last event. */
async function refreshNodes(): Promise<void> {
  state.nodes.value = (await fetchStatus()).nodes;
}

async function refreshModels(): Promise<void> {
  state.models.value = (await fetchModels()).models;
}

async function refreshHistory(): Promise<void> {
  const { swaps } = await fetchSwaps(KEPT_SWAPS);
  state.settled.value = swaps.filter((job) => job.ended_at !== null);
}

/** What the stream or the next round brings anyway is not worth a message. */
function quietly(work: Promise<void>): void {
  work.catch(() => undefined);
}
