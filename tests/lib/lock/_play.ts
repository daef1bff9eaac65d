/** Plays one history against the lock and the reference, and compares after every step. */
import { Fault } from "../../../lib/fault.ts";
import type { Reading } from "../../../lib/lock/clock.ts";
import type { Disruption } from "../../../lib/lock/disruptions.ts";
import type { Grant } from "../../../lib/lock/grant.ts";
import type { LockOptions } from "../../../lib/lock/lock-options.ts";
import type { AcquireRequest, Granted } from "../../../lib/lock/lock-request.ts";
import { ReservationLock } from "../../../lib/lock/reservation-lock.ts";
import { CLIENTS, type Kill, SLOT_NODES, type Step } from "./_history.ts";
import { type RefAsk, Reference } from "./_reference.ts";

const EARLIEST_MS = Date.UTC(2024, 0, 1);
const TOO_LATE_MS = 600_000;
const LONGEST_TTL_SECONDS = 120;

/** Thrown in the place of a process that is no more. */
class Killed extends Error {}

/** What the controller has on disk. */
interface Disk {
  grant: Grant | null;
  generation: number;
  readonly spent: Set<string>;
}

interface Client {
  readonly name: string;
  token: string | null;
  /** Generation of the grant that the token was given with, and whether it has been replaced since. */
  tokenOf: number;
  request: AcquireRequest | null;
}

/** A mistake to plant: it changes what the lock is given. */
export type Mistake = (options: LockOptions) => LockOptions;

export interface Played {
  readonly granted: number;
  readonly refused: number;
  readonly waited: number;
  readonly expired: number;
  readonly killed: number;
}

export async function play(steps: readonly Step[], mistake: Mistake = (options) => options): Promise<Played> {
  const game = new Game(mistake);
  try {
    for (const step of steps) await game.take(step);
    await game.drain();
    return game.played;
  } finally {
    game.lock.close();
  }
}

class Game {
  readonly played = { granted: 0, refused: 0, waited: 0, expired: 0, killed: 0 };
  readonly disk: Disk = { grant: null, generation: 0, spent: new Set() };
  readonly reference = new Reference(SLOT_NODES);
  readonly clients: Client[] = Array.from({ length: CLIENTS }, (_, index) => ({
    name: `client ${index}`,
    token: null,
    tokenOf: 0,
    request: null,
  }));
  readonly waiting = new Map<number, { readonly client: Client; readonly gone: AbortController }>();
  readonly disruptions: Disruption[] = [];
  readonly arrived: { readonly id: number; readonly outcome: Granted | Fault | Error }[] = [];
  lock!: ReservationLock;
  #now: Reading = { wallMs: Date.UTC(2026, 0, 1), steadyMs: 1_000_000, boot: "boot 0" };
  #kill: Kill = null;
  #ids = 0;
  #random = 0;

  constructor(private readonly mistake: Mistake) {
    this.#start();
  }

  async take(step: Step): Promise<void> {
    this.reference.settle(this.lock.current() !== null);
    this.#kill = "kill" in step ? step.kill : null;
    try {
      await this.#do(step);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.played.killed += 1;
      await this.#restart();
    }
    this.#kill = null;
    this.#compare();
  }

  /** Everything that runs ends, time passes: whoever still waits must get it, in order, one after the other. */
  async drain(): Promise<void> {
    this.reference.swaps = [];
    this.#endStops();
    this.lock.pump();
    await this.#pumped();
    const unset = this.reference.isClockUnset;
    if (unset) this.#setClock(Date.UTC(2026, 0, 1) - this.#now.wallMs);
    const most = this.reference.line.length + 1;
    for (let round = 0; round < most; round++) {
      await this.#pass(LONGEST_TTL_SECONDS * 1000 + TOO_LATE_MS, true);
      this.#compare();
    }
    if (this.lock.waiting > 0) throw new Error(`${this.lock.waiting} wait for ever`);
  }

  #start(): void {
    const { disk } = this;
    this.lock = new ReservationLock(
      this.mistake({
        store: {
          read: () => disk.grant,
          write: (grant) => void Object.assign(disk, { grant }),
          spend: (digest) => void disk.spent.add(digest),
          isSpent: (digest) => disk.spent.has(digest),
        },
        ...{ respiteMs: 0, clock: { now: () => this.#now }, lineChanged: () => undefined },
        // Not random, but never the same twice.
        random: (bytes) => {
          new DataView(bytes.buffer).setUint32(0, ++this.#random);
          return bytes;
        },
        transaction: (run) => this.#transaction(run),
        nextGeneration: () => ++disk.generation,
        goOnAfterOthers: (seen) => {
          disk.generation = Math.max(disk.generation, seen);
        },
        highestGeneration: () => disk.generation,
        slots: () => Object.entries(SLOT_NODES).map(([name, nodes]) => ({ name, nodes })),
        runningSwaps: () => this.reference.swaps.map((place, index) => ({ jobId: `job ${index}`, place })),
        abortBeforeStopping: () => undefined,
        record: () => undefined,
        publish: ({ type }) => {
          if (type === "lock.expired") this.played.expired += 1;
        },
        report: (error) => {
          throw error;
        },
      }),
    );
    this.lock.open(null);
  }

  #transaction<T>(run: () => T): T {
    const { grant, generation } = this.disk;
    const spent = [...this.disk.spent];
    const back = () => {
      Object.assign(this.disk, { grant, generation });
      this.disk.spent.clear();
      for (const digest of spent) this.disk.spent.add(digest);
    };
    let result: T;
    try {
      result = run();
    } catch (error) {
      back();
      throw error;
    }
    if (this.#kill === "before") {
      back();
      throw new Killed();
    }
    if (this.#kill === "after") throw new Killed();
    return result;
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case "acquire":
      case "wait":
        return this.#ask(step, this.#request(step));
      case "repeat": {
        const { request } = this.#client(step.client);
        if (request) await this.#ask({ ...step, do: "acquire" }, request);
        return;
      }
      case "renew":
        return this.#renew(step);
      case "release":
        return this.#release(step);
      case "force":
        return this.#force(step);
      case "leave":
        return this.#leave(step.which);
      case "swap":
        return this.#swap(step);
      case "swap_ends": {
        this.reference.swaps = this.reference.swaps.filter((_, index) => index !== step.which);
        this.lock.pump();
        return this.#pumped();
      }
      case "stop":
        return this.#stop(step);
      case "stop_ends": {
        const ended = this.reference.stops.splice(step.which, 1);
        for (const { end } of this.disruptions.splice(step.which, 1)) end();
        return ended.length > 0 ? this.#pumped() : undefined;
      }
      case "pass":
        return this.#pass(step.ms, step.looked);
      case "set_clock": {
        this.#setClock(step.bySeconds * 1000);
        this.lock.tick();
        return this.#pumped();
      }
      case "restart":
        return this.#restart();
      case "reboot":
        return this.#reboot(step);
    }
  }

  #client(index: number): Client {
    return this.clients[index]!;
  }

  #request(step: Extract<Step, { do: "acquire" | "wait" }>): AcquireRequest {
    const client = this.#client(step.client);
    const request: AcquireRequest = {
      holder: client.name,
      by: "a test",
      ttlSeconds: step.ttlSeconds,
      slots: step.slots,
      allowRunningSwap: step.allowRunningSwap,
      requestId: step.named ? `request ${++this.#ids}` : null,
    };
    if (step.named) client.request = request;
    return request;
  }

  async #ask(step: { readonly do: string; readonly client: number; readonly kill?: Kill }, request: AcquireRequest) {
    const { reference } = this;
    const ask: RefAsk = {
      holder: request.holder,
      ttlSeconds: request.ttlSeconds!,
      slots: request.slots ?? null,
      allowRunningSwap: request.allowRunningSwap ?? false,
      requestId: request.requestId ?? null,
    };
    const client = this.#client(step.client);
    const verdict = reference.verdict(ask, reference.line.length === 0);
    const takesEffect = this.#kill !== "before";
    const isGrant = verdict === "acquired" || verdict === "repeated";
    const apply = () => {
      if (verdict === "acquired") reference.grant(ask, reference.highest + 1);
      if (verdict === "repeated") this.#killTokens(reference.held!.generation);
    };
    if (step.do === "wait") return this.#wait(client, request, ask, verdict, apply);
    try {
      const granted = this.lock.acquire(request);
      if (!isGrant) throw new Error(`granted to ${request.holder}, where ${verdict} was due`);
      apply();
      this.#give(client, granted);
    } catch (error) {
      if (error instanceof Killed && takesEffect && isGrant) apply();
      if (!(error instanceof Fault)) throw error;
      this.#expect("an acquire", verdict, error.code);
      this.played.refused += 1;
    }
  }

  async #wait(client: Client, request: AcquireRequest, ask: RefAsk, verdict: string, apply: () => void): Promise<void> {
    const id = ++this.#ids;
    const gone = new AbortController();
    this.waiting.set(id, { client, gone });
    this.lock.acquireOrWait(request, TOO_LATE_MS, gone.signal).then(
      (outcome) => this.arrived.push({ id, outcome }),
      (outcome) => this.arrived.push({ id, outcome }),
    );
    await turn();
    const settles = ["acquired", "repeated", "request_spent", "clock_unset"].includes(verdict);
    if (!settles) {
      this.reference.line.push({ id, ask });
      this.played.waited += 1;
      return;
    }
    const outcome = this.#outcome(id);
    if (outcome instanceof Fault) return this.#expect("a waiter on arrival", verdict, outcome.code);
    this.#expect("a waiter on arrival", "acquired" === verdict || "repeated" === verdict, true);
    apply();
    this.#give(client, outcome);
  }

  #give(client: Client, { lock, token }: Granted): void {
    if (lock.generation !== this.reference.held?.generation)
      throw new Error(`generation ${lock.generation}, where ${this.reference.held?.generation} was due`);
    client.token = token;
    client.tokenOf = lock.generation;
    this.played.granted += 1;
  }

  #killTokens(generation: number): void {
    for (const client of this.clients) if (client.tokenOf === generation) client.tokenOf = 0;
  }

  /** Whether the client's token opens what is held; null when it has none. */
  #opens({ token, tokenOf }: Client): boolean | null {
    return token === null ? null : this.reference.held !== null && tokenOf === this.reference.held.generation;
  }

  #renew({ client: index, ttlSeconds }: Extract<Step, { do: "renew" }>): void {
    const client = this.#client(index);
    const { held } = this.reference;
    const opens = this.#opens(client);
    if (opens === null) return;
    const verdict = opens && held?.holder === client.name ? "renewed" : held ? "reserved" : "reservation_lost";
    try {
      const { lock } = this.lock.acquire({ holder: client.name, by: "a test", token: client.token, ttlSeconds });
      this.#expect("a renewal", verdict, "renewed");
      this.#expect("the generation of a renewal", held?.generation, lock.generation);
      this.reference.renew(ttlSeconds);
    } catch (error) {
      if (error instanceof Killed && this.#kill === "after" && verdict === "renewed") this.reference.renew(ttlSeconds);
      if (!(error instanceof Fault)) throw error;
      this.#expect("a renewal", verdict, error.code);
    }
  }

  async #release({ client: index }: Extract<Step, { do: "release" }>): Promise<void> {
    const client = this.#client(index);
    const { held } = this.reference;
    const verdict = !held ? null : this.#opens(client) === true ? held.generation : "wrong_token";
    try {
      this.#expect("a release", verdict, this.lock.release(client.token));
    } catch (error) {
      if (error instanceof Killed && this.#kill === "after" && typeof verdict === "number") this.reference.end();
      if (!(error instanceof Fault)) throw error;
      return this.#expect("a release", verdict, error.code);
    }
    if (typeof verdict === "number") this.reference.end();
    await this.#pumped();
  }

  async #force({ meant }: Extract<Step, { do: "force" }>): Promise<void> {
    const { held } = this.reference;
    const generation = meant === "any" ? undefined : meant === "held" ? held?.generation : (held?.generation ?? 1) - 1;
    const verdict = !held ? null : meant === "older" ? "other_reservation" : held.generation;
    try {
      this.#expect("a forced release", verdict, this.lock.force({ generation, by: "a person" }));
    } catch (error) {
      if (error instanceof Killed && this.#kill === "after" && typeof verdict === "number") this.reference.end();
      if (!(error instanceof Fault)) throw error;
      return this.#expect("a forced release", verdict, error.code);
    }
    if (typeof verdict === "number") this.reference.end();
    for (const [at, { reservation }] of this.reference.stops.entries())
      if (held && reservation === verdict) this.#expect("a stop under it", true, this.disruptions[at]!.forced.aborted);
    await this.#pumped();
  }

  async #leave(which: number): Promise<void> {
    const leaving = this.reference.line[which];
    if (!leaving) return;
    this.reference.line.splice(which, 1);
    this.waiting.get(leaving.id)?.gone.abort(new Error("gone"));
    await turn();
    this.#outcome(leaving.id);
    await this.#pumped();
  }

  #swap({ client: index, slot }: Extract<Step, { do: "swap" }>): void {
    const client = index === null ? null : this.#client(index);
    const nodes = SLOT_NODES[slot];
    const verdict = this.reference.mayClaim(slot, client ? this.#opens(client) : null);
    try {
      this.lock.admit({ slot, nodes }, client?.token ?? null);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#expect("the gate", verdict, error.code);
      return;
    }
    if (verdict === "reserved" || verdict === "reservation_lost" || verdict === "others_first")
      throw new Error(`the gate let pass what is ${verdict}`);
    this.#expect("a stop in the slot", verdict === "slot_stopping", this.lock.disruptionIn({ slot, nodes }) !== null);
    if (verdict === "claimed") this.reference.swaps.push({ slot, nodes });
  }

  #stop({ client: index, slot: name, beside }: Extract<Step, { do: "stop" }>): void {
    const client = index === null ? null : this.#client(index);
    const place = { slot: beside ? null : name, nodes: SLOT_NODES[name] };
    const opens = client ? this.#opens(client) : null;
    const verdict = this.reference.mayBegin(name, opens);
    try {
      const reservation = this.lock.admit(place, client?.token ?? null);
      this.#expect("the gate", verdict, "passed");
      this.disruptions.push(this.lock.disrupt(place, `a stop of ${name}`, reservation));
      this.reference.stops.push({ ...place, reservation });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#expect("the gate", verdict, error.code);
    }
  }

  #endStops(): void {
    this.reference.stops = [];
    for (const { end } of this.disruptions.splice(0)) end();
  }

  async #pass(ms: number, looked: boolean): Promise<void> {
    const { wallMs, steadyMs, boot } = this.#now;
    this.#now = { wallMs: wallMs + ms, steadyMs: steadyMs + ms, boot };
    this.reference.timeMs += ms;
    this.reference.unlookedMs = looked ? 0 : this.reference.unlookedMs + ms;
    this.#told();
    this.reference.settle(this.lock.current() !== null);
    if (!looked) return;
    this.lock.tick();
    await this.#pumped();
  }

  #setClock(ms: number): void {
    this.#now = { ...this.#now, wallMs: this.#now.wallMs + ms };
    this.#told();
  }

  #told(): void {
    this.reference.isClockUnset = this.#now.wallMs < EARLIEST_MS;
  }

  async #reboot({ downMs, behind }: Extract<Step, { do: "reboot" }>): Promise<void> {
    this.lock.close();
    this.reference.timeMs += downMs;
    const wallMs = behind ? Math.min(60_000, this.#now.wallMs) : this.#now.wallMs + downMs;
    const { grant } = this.disk;
    if (behind && grant) this.reference.restartedBehind(downMs, grant.generation);
    this.#now = { wallMs, steadyMs: 7_000, boot: `boot ${++this.#ids}` };
    this.#told();
    await this.#restart();
  }

  async #restart(): Promise<void> {
    this.#kill = null;
    this.lock.close();
    await turn();
    this.arrived.length = 0;
    this.waiting.clear();
    this.reference.line = [];
    this.#endStops();
    this.#start();
    this.reference.unlookedMs = 0;
    this.reference.settle(this.lock.current() !== null);
  }

  /** Who is first in line gets what there is to get; nobody else does. */
  async #pumped(): Promise<void> {
    await turn();
    const { reference } = this;
    for (let first = reference.line[0]; first; first = reference.line[0]) {
      const verdict = reference.verdict(first.ask, true);
      if (verdict === "reserved" || verdict === "swap_running" || verdict === "stop_running") break;
      reference.line.shift();
      const { client } = this.waiting.get(first.id)!;
      const outcome = this.#outcome(first.id);
      if (outcome instanceof Fault) {
        this.#expect("a waiter", verdict, outcome.code);
        continue;
      }
      if (verdict === "acquired") reference.grant(first.ask, reference.highest + 1);
      else if (verdict === "repeated") this.#killTokens(reference.held!.generation);
      else throw new Error(`a waiter was granted what is ${verdict}`);
      this.#give(client, outcome);
    }
    if (this.arrived.length > 0) throw new Error(`${this.arrived.length} were answered before their turn`);
  }

  #outcome(id: number): Granted | Fault {
    const at = this.arrived.findIndex((each) => each.id === id);
    if (at < 0) throw new Error("a waiter whose turn had come was not answered");
    const [{ outcome }] = this.arrived.splice(at, 1) as [(typeof this.arrived)[number]];
    this.waiting.delete(id);
    return outcome as Granted | Fault;
  }

  #compare(): void {
    const lock = this.lock.current();
    const { held } = this.reference;
    this.#expect("who holds it", held?.holder ?? null, lock?.holder ?? null);
    this.#expect("its generation", held?.generation ?? null, lock?.generation ?? null);
    this.#expect("those who wait", this.reference.line.length, this.lock.waiting);
    if (!lock || !held) return;
    const leftMs = Date.parse(lock.expires_at) - this.#now.wallMs;
    const least = held.endsAfterMs - this.reference.timeMs;
    const most = held.endsBeforeMs - this.reference.timeMs;
    // What is shown may be a second off a clock that was set by less than two.
    if (leftMs < least - 2_000 || leftMs > most + 2_000)
      throw new Error(`it shows ${leftMs} ms left, where ${least} to ${most} are`);
  }

  #expect(what: string, due: unknown, is: unknown): void {
    if (due !== is) throw new Error(`${what}: ${JSON.stringify(is)}, where ${JSON.stringify(due)} was due`);
  }
}

/** Lets the answers to those who wait arrive. */
async function turn(): Promise<void> {
  for (let count = 0; count < 4; count++) await null;
}
