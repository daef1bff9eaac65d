/** What keeps the page current: a snapshot at every connect, then changes. */
import type { BotUpdate } from "../lib/bot/bot-update.ts";
import type { ConnectivityEvent } from "../lib/connectivity/wire.ts";
import type { Download } from "../lib/downloads/download.ts";
import type { HardwareCard } from "../lib/hardware/card.ts";
import type { Service } from "../lib/service/service.ts";
import type { Delivery, Models, Schedule, Slot, Status, SwapJob, Webhook } from "./api.ts";
import { fetchModels, fetchSwaps } from "./api.ts";
import { serverNow, setClock } from "./clock.ts";
import type { FeedMessage } from "./feed/event-stream.ts";
import { type Link, openLink } from "./feed/link.ts";
import { logGrowth, MISSED } from "./log/growth.ts";
import * as state from "./state.ts";
import { gently } from "./store.ts";

/** Put in by the build: the script that all tabs share, under its hashed name. */
declare const WORKER_URL: string;

interface Snapshot {
  readonly version: string;
  readonly now: string;
  readonly status: Status;
  readonly models: Models;
  readonly services: readonly Service[];
  readonly bot_updates: readonly BotUpdate[];
}

interface LogGrowth {
  readonly job_id: string;
  readonly last_seq: number;
}

const PATIENCE_MS = 5_000;
const HIDDEN_LIMIT_MS = 30_000;
const KEPT_SWAPS = 50;

let link: Link | undefined;
let modelsTaken = 0;
let historyRound = 0;
let isJoined = false;
/** By the page's steady clock. */
let cutSince = performance.now();
let patience: ReturnType<typeof setTimeout> | undefined;
let hidden: ReturnType<typeof setTimeout> | undefined;

/** Connects, and stays connected for as long as the page is looked at. */
export function startFeed(): void {
  link = openLink(WORKER_URL, take);
  if (!document.hidden) join();
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(leave, HIDDEN_LIMIT_MS);
    else join();
  });
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) join();
  });
}

function join(): void {
  if (isJoined) return;
  isJoined = true;
  cutSince = performance.now();
  waitForConnection();
  link?.join();
}

function leave(): void {
  isJoined = false;
  link?.leave();
  clearTimeout(patience);
  patience = undefined;
}

function take(message: FeedMessage): void {
  // What was on its way when this tab left is older than the snapshot that it gets when it is back.
  if (!isJoined) return;
  if (message.name === "cut") {
    if (!patience && state.connection.value.state !== "lost") {
      cutSince = performance.now() - message.silentMs;
      waitForConnection();
    }
    return;
  }
  const handle: (data: never) => void = HANDLERS[message.name];
  const data = JSON.parse(message.json) as never;
  gently(() => handle(data));
}

/** By the name of the event; `/api/events` says what each carries. */
const HANDLERS = {
  snapshot: takeSnapshot,
  swap: takeSwap,
  slot: takeSlot,
  log: takeLogGrowth,
  config: takeConfiguration,
  service: (service: Service) => {
    const known = state.services.value ?? [];
    state.services.value = known.map((each) => (each.name === service.name ? service : each));
  },
  bot_update: (update: BotUpdate) => {
    state.botUpdates.value = { ...state.botUpdates.value, [update.service]: update };
  },
  nodes: ({ nodes }: Pick<Status, "nodes">) => {
    state.nodes.value = nodes;
  },
  lock: ({ lock, lock_waiting: waiting }: Pick<Status, "lock" | "lock_waiting">) => {
    // What the reservation before was a problem for has gone with it.
    const over = lock?.reason === state.lock.value?.reason ? null : state.lock.value?.reason;
    if (over) state.problems.value = state.problems.value.filter(({ message }) => message !== over);
    state.lock.value = lock;
    state.waiting.value = waiting;
  },
  schedule: (schedule: Schedule) => {
    state.schedule.value = schedule;
  },
  webhooks: ({ webhooks }: { webhooks: Webhook[] }) => {
    state.webhooks.value = webhooks;
  },
  webhook_delivery: (delivery: Delivery) => state.deliveries.tell(delivery),
  activity: ({ last_id }: { last_id: number }) => {
    state.lastRequest.value = last_id;
  },
  hardware: ({ cards }: { cards: HardwareCard[] }) => {
    state.cards.value = cards;
  },
  connectivity: (change: ConnectivityEvent) => {
    state.reached.value = change;
  },
  download: (download: Download) => state.downloads.tell(download),
  beat: ({ now }: Pick<Snapshot, "now">) => setClock(now),
} as const;

function takeSnapshot(snapshot: Snapshot): void {
  const { version, now, status } = snapshot;
  setClock(now);
  connected();
  const known = state.controller.value;
  if (known && known.version !== version) state.outdated.value = true;
  state.deliveries.forget();
  state.downloads.forget();
  takeConfiguration(snapshot);
  state.running.value = status.swaps;
  quietly(refreshHistory());
  logGrowth.dispatchEvent(new Event(MISSED));
}

function takeSlot(slot: Slot): void {
  state.slots.value = state.slots.value.map((known) => (known.name === slot.name ? slot : known));
}

function takeLogGrowth({ job_id, last_seq }: LogGrowth): void {
  logGrowth.dispatchEvent(new CustomEvent(job_id, { detail: last_seq }));
}

function connected(): void {
  clearTimeout(patience);
  patience = undefined;
  if (state.connection.value.state !== "live") state.connection.value = { state: "live", since: serverNow() };
}

/** A short cut is nobody's business; a long one is said. */
function waitForConnection(): void {
  patience ??= setTimeout(
    () => {
      patience = undefined;
      state.connection.value = { state: "lost", since: serverNow() - (performance.now() - cutSince) };
    },
    Math.max(0, cutSince + PATIENCE_MS - performance.now()),
  );
}

function takeConfiguration({
  status,
  models,
  services,
  bot_updates: updates,
}: Omit<Snapshot, "version" | "now">): void {
  const { version, simulated, configured, public_key: publicKey, stall_seconds: stallSeconds } = status;
  state.controller.value = { version, simulated, configured, publicKey, stallSeconds };
  state.nodes.value = status.nodes;
  state.slots.value = status.slots;
  state.lock.value = status.lock;
  state.waiting.value = status.lock_waiting;
  state.problems.value = status.problems;
  state.storeProblem.value = status.store_problem;
  state.services.value = services;
  state.botUpdates.value = Object.fromEntries(updates.map((update) => [update.service, update]));
  takeModels(models);
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
  quietly(refreshModels());
}

function takeModels({ models, hidden }: Models): void {
  modelsTaken += 1;
  state.models.value = models;
  state.hiddenModels.value = hidden;
}

/** Asked for because the stream told that a swap has ended: whatever models it tells of after that know of it, too. */
async function refreshModels(): Promise<void> {
  const before = modelsTaken;
  const found = await fetchModels();
  if (before === modelsTaken) gently(() => takeModels(found));
}

/** The stream may tell of an end that this answer does not know of yet. */
async function refreshHistory(): Promise<void> {
  const round = ++historyRound;
  const before = state.settled.value ?? [];
  const { swaps } = await fetchSwaps(KEPT_SWAPS);
  if (round !== historyRound) return;
  const told = (state.settled.value ?? []).filter((job) => !before.includes(job));
  const ended = swaps.filter((job) => job.ended_at !== null && told.every(({ job_id: id }) => id !== job.job_id));
  gently(() => {
    state.settled.value = [...told, ...ended];
  });
}

/** What the stream or the next round brings anyway is not worth a message. */
function quietly(work: Promise<void>): void {
  work.catch(() => undefined);
}
