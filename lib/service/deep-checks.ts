/** Deep checks on demand and on a schedule: one at a time for each service, and none where a look has failed already. */
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import type { Topology } from "../topology/topology.ts";
import { deepCheck, type Finding } from "./deep.ts";
import type { Subject } from "./entry.ts";
import { isWithin } from "./is-within.ts";
import type { Ask } from "./probe.ts";
import type { DeepCheck } from "./service.ts";
import type { ServiceBoard } from "./service-board.ts";
import type { Sight } from "./sight.ts";

export interface DeepMeans {
  readonly board: ServiceBoard;
  readonly sight: Sight;
  topology(): Topology;
  ask: SightAsk;
  /** Milliseconds since 1970. */
  now(): number;
  random(): number;
  report(error: unknown): void;
}
type SightAsk = (url: string, ...rest: [RequestInit, number, AbortSignal]) => ReturnType<Ask>;

const TICK_MS = 1_000;
const MINUTE_MS = 60_000;
const JITTER = 0.2;
/** One that failed is looked at again soon: it may have mended itself. */
const AFTER_FAILURE_MS = MINUTE_MS;
const WORKS = new Set(["healthy", "busy"]);

export class DeepChecks {
  readonly #running = new Map<string, Promise<DeepCheck>>();
  /** From when on each waits, which part of the interval, and whether it failed then. */
  readonly #waits = new Map<string, { readonly since: number; readonly part: number; readonly failed: boolean }>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly means: DeepMeans) {}

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Whoever asks while it is checked gets that check. @throws Fault 404; 503 while its address is not known */
  run(name: string): Promise<DeepCheck> {
    const subject = this.means.board.subject(name);
    const running = this.#running.get(name);
    if (running) return running;
    const check = this.#check(subject).finally(() => this.#running.delete(name));
    this.#running.set(name, check);
    return check;
  }

  /** All of them side by side; one that cannot be asked has failed. */
  runAll(): Promise<DeepCheck[]> {
    return Promise.all(this.means.board.names().map((name) => this.run(name)));
  }

  /** Something went wrong with it just now: it is looked at in the background. */
  readonly suspect = (name: string): void => {
    this.means.board
      .look(name)
      .then(() => this.run(name))
      .catch((error) => {
        if (!this.means.board.signal.aborted && !(error instanceof Fault)) this.means.report(error);
      });
  };

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#running.values());
  }

  async #check(subject: Subject): Promise<DeepCheck> {
    const { board, now } = this.means;
    const { name } = subject;
    const began = performance.now();
    const finding = await this.#finding(subject);
    const node = subject.of === "slot" ? (subject.slot.nodes[0] ?? null) : subject.service.node;
    const busy = finding.outcome === "failed" ? board.busy(name, node) : null;
    const { outcome, detail } =
      busy === null ? finding : { outcome: "busy" as const, detail: `${finding.detail} ${busy}` };
    const seconds = Math.round((performance.now() - began) / 10) / 100;
    const check: DeepCheck = { service: name, outcome, detail, seconds, at: isoTime(now()) };
    // Something may have been done with it meanwhile: what it said before says nothing of it now.
    if (board.entry(name).operation === null) {
      const { answer } = board.entry(name);
      const deepCounts = subject.of === "slot" ? subject.slot.state === "serving" : answer.kind === "answered";
      board.alter(name, (before) => ({ ...before, deep: check, deepCounts }));
    }
    board.tell(name);
    const part = 1 - JITTER + 2 * JITTER * this.means.random();
    this.#waits.set(name, { since: now(), part, failed: outcome === "failed" });
    return check;
  }

  async #finding(subject: Subject): Promise<Finding> {
    const { signal } = this.means.board;
    try {
      if (subject.of === "service") {
        const { service } = subject;
        if (service.kind === "bot") return await deepCheck("bot", service.name, () => Promise.reject(), signal);
        return await deepCheck(service.kind, service.name, await this.means.sight.asker(service, signal), signal);
      }
      const { url, name } = subject.slot;
      if (url === null) return { outcome: "failed", detail: "Its address is not known: the Spark cannot be asked." };
      const origin = url.replace(/\/v1$/, "");
      return await deepCheck("vllm", name, (path, ...rest) => this.means.ask(origin + path, ...rest), signal);
    } catch (error) {
      if (!(error instanceof Fault) || signal.aborted) throw error;
      return { outcome: "failed", detail: error.message };
    }
  }

  #tick(): void {
    const { board, now, random, report, topology } = this.means;
    const every = topology().settings.deep_check_minutes * MINUTE_MS;
    for (const name of board.names()) {
      const { condition, operation } = board.entry(name);
      const { state, deep } = condition;
      const isFailed = deep?.outcome === "failed";
      if (every === 0 && !isFailed) continue;
      // The first one comes at some time within the interval: not all of them right after the start.
      const wait = this.#waits.get(name) ?? { since: now(), part: random(), failed: isFailed };
      this.#waits.set(name, wait);
      const isDue = !isWithin(wait.failed ? AFTER_FAILURE_MS : every * wait.part, wait.since, now());
      if (
        !isDue ||
        operation !== null ||
        this.#running.has(name) ||
        !(WORKS.has(state) || (isFailed && state === "unhealthy"))
      )
        continue;
      this.run(name).catch((error) => {
        if (!board.signal.aborted) report(error);
      });
    }
  }
}
