/**
 * Looks at every service from time to time, tells who asks what there is, and asks for a restart where one is due. Each
 * Spark has its own rhythm with jitter; a look that finds its predecessor still running is skipped, so nothing piles up.
 */
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import type { Service as ConfiguredService } from "../topology/topology.ts";
import type { BoardMeans } from "./board-means.ts";
import { busyWith } from "./busy.ts";
import { afterLook, type Condition, chooseRestart, deepFailure, firstCondition, upOrDown } from "./condition.ts";
import {
  autoRestart,
  type Entry,
  judgeSlot,
  newEntry,
  notPossible,
  type Operation,
  type Subject,
  shown,
  subjectsOf,
} from "./entry.ts";
import { isWithin } from "./is-within.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Service } from "./service.ts";
import type { SeenImage, Sighting } from "./sight.ts";

const TICK_MS = 200;
const JITTER = 0.2;
/** What a start has to do first goes first. */
const FIRST_LOOK_MS = 1_500;

export class ServiceBoard {
  readonly #entries = new Map<string, Entry>();
  readonly #kept: Map<string, Condition>;
  readonly #shown = new Map<string, string>();
  /** When each was looked at last, and by which factor its interval is stretched. By Spark, or by service where there is none. */
  readonly #beats = new Map<string, { readonly at: number; readonly stretch: number }>();
  readonly #looking = new Map<string, Promise<void>>();
  /** Grows when something is begun or done with a service: a look that began before says nothing of it now. */
  readonly #epochs = new Map<string, number>();
  readonly #closed = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #startedAt = 0;

  constructor(private readonly means: BoardMeans) {
    this.#kept = means.conditions.all(isoTime(means.now()));
  }

  start(): void {
    this.#startedAt = this.means.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  subjects(): Subject[] {
    return subjectsOf(this.means.topology(), this.means.slots());
  }

  /** Names of all slots and services, without a look at what the slots show. */
  names(): string[] {
    const { slots } = this.means.topology();
    return [...slots.map(({ name }) => name), ...this.#services().map(({ name }) => name)];
  }

  /** @throws Fault 404 */
  subject(name: string): Subject {
    const slot = this.#isSlot(name) && this.means.slots().find((each) => each.name === name);
    if (slot) return { of: "slot", name, slot };
    const service = this.#services().find((each) => each.name === name);
    if (service) return { of: "service", name, service };
    const isHidden = this.means.topology().services.some((each) => each.name === name);
    const why = isHidden ? "This service is hidden." : "There is no service with this name.";
    throw new Fault("not_found", "unknown_service", why);
  }

  list(): Service[] {
    return this.#shownOf(this.subjects());
  }

  /** @throws Fault 404 */
  get(name: string): Service {
    return this.#shownOf([this.subject(name)])[0]!;
  }

  entry(name: string): Entry {
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = newEntry(this.#kept.get(name) ?? firstCondition(isoTime(this.means.now())));
      this.#entries.set(name, entry);
    }
    return entry;
  }

  /** @throws Fault 409 with the reason */
  mustBePossible(subject: Subject, what: keyof Service["not_possible"]): void {
    const why = notPossible(subject, this.entry(subject.name))[what];
    if (why !== null) throw new Fault("conflict", "not_possible", `${subject.name}: ${why}`);
  }

  /** What is being done with it now. */
  setOperation(name: string, operation: Operation | null): void {
    this.#entries.set(name, { ...this.entry(name), operation });
    this.#epochs.set(name, (this.#epochs.get(name) ?? 0) + 1);
    this.tell(name);
  }

  /** Its container was looked at by itself, beside the rhythm. */
  sawContainer(name: string, container: SeenImage | null): void {
    const image = container?.image ?? null;
    this.#entries.set(name, { ...this.entry(name), seen: { how: "looked", container }, image });
  }

  /** Changes what is remembered of it; durable where it counts. */
  alter(name: string, change: (condition: Condition) => Condition): void {
    const entry = this.entry(name);
    const condition = change(entry.condition);
    if (condition === entry.condition) return;
    this.#entries.set(name, { ...entry, condition });
    const { suspected: _, ...lasting } = condition;
    const { suspected: __, ...before } = entry.condition;
    if (JSON.stringify(lasting) === JSON.stringify(before)) return;
    try {
      this.means.conditions.keep(name, condition);
    } catch (error) {
      this.means.report(error);
    }
  }

  busy(name: string, node: string | null): string | null {
    return busyWith(name, node, this.means.work());
  }

  /** A fresh look at all of them, or at those of one Spark or name. */
  async look(only?: string): Promise<void> {
    const groups = [...this.#groups()].filter(
      ([key, names]) => only === undefined || key === only || names.includes(only),
    );
    await Promise.all(
      groups.map(([key]) => {
        this.#beat(key);
        return this.#lookAt(key);
      }),
    );
    this.seeSlots();
  }

  /** Slots are looked at elsewhere: what they show has changed. */
  seeSlots(): void {
    const at = isoTime(this.means.now());
    for (const slot of this.means.slots()) {
      const subject = { of: "slot", name: slot.name, slot } as const;
      const busy = this.busy(subject.name, subject.slot.nodes[0] ?? null);
      const failure = deepFailure(this.entry(subject.name).condition, subject.slot.since);
      this.#take(subject, judgeSlot(subject.slot, busy, failure), at);
    }
    this.tell(...this.means.topology().slots.map(({ name }) => name));
  }

  /** Tells each of these that differs from what was told last. */
  tell(...names: string[]): void {
    const known = new Set(this.names());
    for (const service of this.#shownOf(names.filter((name) => known.has(name)).map((name) => this.subject(name)))) {
      const { checked_at: _, response_ms: __, in_flight: ___, ...lasting } = service;
      const text = JSON.stringify(lasting);
      if (this.#shown.get(service.name) === text) continue;
      this.#shown.set(service.name, text);
      this.means.onChange(service);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed.abort(new Fault("unavailable", "shutting_down", "Spark Control is shutting down."));
    await Promise.all(this.#looking.values());
  }

  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Names of the services to be looked at together: those of a Spark, and each other one for itself. */
  #groups(): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const { name, node } of this.#services()) {
      const key = node ?? `service ${name}`;
      const group = groups.get(key);
      if (group) group.push(name);
      else groups.set(key, [name]);
    }
    return groups;
  }

  #isSlot(name: string): boolean {
    return this.means.topology().slots.some((slot) => slot.name === name);
  }

  /** Those that are not hidden. */
  #services(): ConfiguredService[] {
    return this.means.topology().services.filter(({ name, disabled }) => !disabled && !this.#isSlot(name));
  }

  #tick(): void {
    const { now, topology } = this.means;
    const intervalMs = topology().settings.probe_seconds * 1000;
    for (const key of this.#groups().keys()) {
      const beat = this.#beats.get(key);
      const waitMs = beat ? intervalMs * beat.stretch : FIRST_LOOK_MS;
      if (isWithin(waitMs, beat?.at ?? this.#startedAt, now())) continue;
      this.#beat(key);
      // Its predecessor still runs: this one is skipped.
      if (!this.#looking.has(key)) void this.#lookAt(key);
    }
  }

  /** It is looked at now: by itself again after an interval. */
  #beat(key: string): void {
    const { now, random } = this.means;
    this.#beats.set(key, { at: now(), stretch: 1 - JITTER + 2 * JITTER * random() });
  }

  #lookAt(key: string): Promise<void> {
    const running = this.#looking.get(key);
    if (running) return running;
    const looking = this.#lookAtGroup(key)
      .catch((error) => {
        if (!this.signal.aborted) this.means.report(error);
      })
      .finally(() => this.#looking.delete(key));
    this.#looking.set(key, looking);
    return looking;
  }

  async #lookAtGroup(key: string): Promise<void> {
    const names = new Set(this.#groups().get(key));
    const services = this.#services().filter(({ name }) => names.has(name));
    const epochs = new Map(this.#epochs);
    await this.means.sight.look(services, this.signal, (sighting) => {
      if (epochs.get(sighting.service.name) !== this.#epochs.get(sighting.service.name)) return;
      this.#seeService(sighting);
      this.tell(sighting.service.name);
    });
  }

  #seeService({ service, seen, answer, url, image }: Sighting): void {
    const { means } = this;
    const { name, node, port } = service;
    // Hidden or removed while it was looked at.
    if (!this.#services().some((each) => each.name === name)) return;
    const subject = { of: "service", name, service } as const;
    const entry = this.entry(name);
    const at = isoTime(means.now());
    this.#entries.set(name, { ...entry, seen, answer, url, image, checkedAt: at });
    // What is being started or stopped is for that operation to judge.
    if (entry.operation !== null) return;
    const startedAt = seen.how === "looked" ? (seen.container?.startedAt ?? null) : null;
    const verdict = judge({
      name,
      configured: node !== null || service.host !== null,
      node,
      port,
      seen,
      answer,
      busy: this.busy(name, node),
      stoppedHere: entry.condition.stopped !== null,
      wasThere: entry.condition.wasThere,
      deepFailure: deepFailure(entry.condition, startedAt),
      now: means.now(),
      startMs: means.topology().settings.service_start_seconds * 1000,
    });
    this.#take(subject, verdict, at);
  }

  #take(subject: Subject, verdict: Verdict, at: string): void {
    const { means } = this;
    const { name } = subject;
    this.alter(name, (condition) => afterLook(condition, verdict, at));
    const { condition } = this.entry(name);
    if (subject.of === "service") {
      const is = condition.suspected === null ? upOrDown(condition.state) : null;
      const told = means.told(name);
      if (is !== null && is !== told && !(is === "up" && told === null)) means.tell(subject.service, is);
    }
    const possible = notPossible(subject, this.entry(name)).restart === null;
    const enabled = autoRestart(subject, means.topology());
    const choice = chooseRestart(condition, { enabled, possible, now: means.now() });
    if (choice.what === "restart") means.restart(name);
    if (choice.what === "give_up") {
      this.alter(name, (before) => ({ ...before, givenUp: choice.why }));
      means.giveUp(name, choice.why);
    }
  }

  #shownOf(subjects: readonly Subject[]): Service[] {
    const { topology, inFlight, now } = this.means;
    const around = { topology: topology(), now: now() };
    return subjects.map((subject) =>
      shown(subject, this.entry(subject.name), { ...around, inFlight: inFlight(subject.name) }),
    );
  }
}
