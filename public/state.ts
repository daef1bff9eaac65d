/** What the page knows, as signals. Only feed.ts writes what comes from the server. */
import type { BotUpdate } from "../lib/bot/bot-update.ts";
import type { ConnectivityEvent } from "../lib/connectivity/wire.ts";
import type { Download } from "../lib/downloads/download.ts";
import type { HardwareCard } from "../lib/hardware/card.ts";
import type { Service } from "../lib/service/service.ts";
import type {
  Delivery,
  Lock,
  Model,
  Models,
  Problem,
  Schedule,
  Slot,
  SparkNode,
  StoreProblem,
  SwapJob,
  Webhook,
} from "./api.ts";
import { serverNow } from "./clock.ts";
import { clockTime } from "./format.ts";
import { News } from "./news.ts";
import { coveredSlots } from "./reserved-slots.ts";
import { signal } from "./store.ts";

export interface Connection {
  readonly state: "connecting" | "live" | "lost";
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What hardly ever changes while the controller runs. */
export interface Controller {
  readonly version: string;
  readonly simulated: boolean;
  readonly configured: boolean;
  readonly publicKey: string;
  /** Seconds without progress after which a load is given up. */
  readonly stallSeconds: number;
}

export const connection = signal<Connection>({ state: "connecting", since: serverNow() });
export const controller = signal<Controller | null>(null);
/** Another version answers now than the one that served this page. */
export const outdated = signal(false);
export const nodes = signal<readonly SparkNode[]>([]);
export const slots = signal<readonly Slot[]>([]);
export const problems = signal<readonly Problem[]>([]);
/** Why the controller can keep nothing now; null when all is well. */
export const storeProblem = signal<StoreProblem | null>(null);
/** Taken out of the menu. */
export const hiddenModels = signal<Models["hidden"]>([]);
export const models = signal<readonly Model[]>([]);
/** The reservation; null when nobody holds one. */
export const lock = signal<Lock | null>(null);
/** How many wait in line for one. */
export const waiting = signal(0);
export interface OwnReservation {
  readonly generation: number;
  readonly token: string;
}

const OWN = "reservation";
/** The reservation that this tab made: its token stays here, so that this tab can swap and release. */
export const own = signal<OwnReservation | null>(
  JSON.parse(sessionStorage.getItem(OWN) ?? "null") as OwnReservation | null,
);

export function keepOwn(reservation: OwnReservation | null): void {
  if (reservation) sessionStorage.setItem(OWN, JSON.stringify(reservation));
  else sessionStorage.removeItem(OWN);
  own.value = reservation;
}

/** The token of the reservation that is held, if this tab made it; null else. Reads signals. */
export function ownToken(): string | null {
  return own.value !== null && own.value.generation === lock.value?.generation ? own.value.token : null;
}

/** Those that are not hidden; null until they were told. */
export const services = signal<readonly Service[] | null>(null);
/** The last update of each bot that has had one, by its name. */
export const botUpdates = signal<Readonly<Record<string, BotUpdate>>>({});

/** What others plan; null until it was asked for. */
export const schedule = signal<Schedule | null>(null);
/** Who is told what happens; null until it was asked for. */
export const webhooks = signal<readonly Webhook[] | null>(null);
/** Messages to webhooks. */
export const deliveries = new News<Delivery>();

/** What the hardware of each Spark does; null until it was told. */
export const cards = signal<readonly HardwareCard[] | null>(null);
/** The last time that a Spark went away or came back. */
export const reached = signal<ConnectivityEvent | null>(null);

export const downloads = new News<Download>();

/** Id of the newest request that is listed; 0 until one was told. */
export const lastRequest = signal(0);

/** Swaps that are not settled. */
export const running = signal<readonly SwapJob[]>([]);
/** Settled swaps, newest first; null until the list has arrived. */
export const settled = signal<readonly SwapJob[] | null>(null);

const DISMISSED = "dismissed-swap";
/** Swap whose result was put away in this browser. */
export const dismissed = signal(localStorage.getItem(DISMISSED));

export function dismiss(jobId: string): void {
  localStorage.setItem(DISMISSED, jobId);
  dismissed.value = jobId;
}

export function modelName(key: string): string {
  return models.value.find((model) => model.key === key)?.name ?? key;
}

/** The swap with this id, running or settled; undefined when it is older than what the page keeps. */
export function knownSwap(jobId: string): SwapJob | undefined {
  return [...running.value, ...(settled.value ?? [])].find((job) => job.job_id === jobId);
}

export interface Obstacle {
  readonly reason: string;
  readonly tone: "move" | "held" | "off" | "bad";
}

/** Why no swap can be started now; null when one can. Reads signals. @param slot only this one, when given */
export function swapObstacle(slot?: string): Obstacle | null {
  if (connection.value.state === "lost") return { reason: "No connection, so nothing can be started.", tone: "bad" };
  if (!controller.value) return { reason: "Not known yet.", tone: "off" };
  if (!controller.value.configured) return { reason: "No Spark is set up yet.", tone: "off" };
  const wanted = slots.value.filter(({ name }) => slot === undefined || name === slot);
  const free = wanted.filter(({ name }) => running.value.every((job) => job.slot !== name));
  const [busy] = running.value;
  if (busy && free.length === 0)
    return { reason: `One swap at a time: ${busy.model_name} is on its way.`, tone: "move" };
  const held = lock.value;
  if (held && free.length > 0 && free.every(({ name }) => isReservedForAnother(name)))
    return {
      reason: `Paused until ${clockTime(held.expires_at, serverNow())}, reserved by ${held.holder}.`,
      tone: "held",
    };
  return null;
}

/** By someone else than this tab. Reads signals. */
export function isReservedForAnother(slot: string): boolean {
  const held = lock.value;
  return held !== null && ownToken() === null && coveredSlots(held, slots.value).includes(slot);
}

const heardAt = new WeakMap<Lock, number>();

/** Seconds until its end, counted from when the page first heard of it: the clock of this browser may be wrong. */
export function secondsLeft(held: Lock): number {
  const now = performance.now();
  const since = heardAt.get(held) ?? now;
  heardAt.set(held, since);
  return Math.max(0, Math.round(held.seconds_remaining - (now - since) / 1_000));
}
