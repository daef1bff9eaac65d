/**
 * Updates of bots: a detached job on the Spark, as the bot's own user, that outlives the controller and is taken up again by
 * the next one. Its output is read from the job's log; only how it stands is kept here.
 */
import { Fault, isAnswerLost } from "../fault.ts";
import { newId } from "../ids.ts";
import { BOT_UPDATE } from "../ssh/bot-update-script.ts";
import type { JobReading } from "../ssh/jobs.ts";
import { type BotSettings, type Node, type Service, type Topology, usableNode } from "../topology/topology.ts";
import type { BotUpdate, OutputLine } from "./bot-update.ts";
import { atStep, ended, type JobEnd, markIn, newUpdate } from "./update-progress.ts";
import type { UpdateRecords } from "./update-records.ts";

/** A bot with its Spark, logged in as the bot's own user. */
export interface Bot {
  readonly name: string;
  readonly node: Node;
  readonly settings: BotSettings;
}

export interface UpdateJob {
  readonly id: string;
  readonly argv: readonly string[];
  readonly cwd: string;
}

export interface BotMeans {
  readonly records: UpdateRecords;
  topology(): Topology;
  /** @throws Fault */
  begin(bot: Bot, job: UpdateJob, signal: AbortSignal): Promise<void>;
  read(bot: Bot, id: string, offset: number, signal: AbortSignal): Promise<JobReading>;
  kill(bot: Bot, id: string, signal: AbortSignal): Promise<void>;
  /** ISO 8601 UTC. */
  now(): string;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  onChange(update: BotUpdate): void;
  onEnd(update: BotUpdate): void;
  report(error: unknown): void;
}

const READ_MS = 500;
/** A job whose beginning was not answered may still be on its way. */
const UNBEGUN_LOOKS = 10;
const MOST_LINES = 5_000;
const LONGEST_LINE = 4_096;
/** Beyond its own limit a job that cannot be read any more is given up. */
const PATIENCE_MS = 10 * 60_000;

interface Run {
  update: BotUpdate;
  readonly lines: OutputLine[];
  readonly watchers: Set<() => void>;
  isCancelled: boolean;
}

export class BotUpdates {
  readonly #runs = new Map<string, Run>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(private readonly means: BotMeans) {}

  /** Takes up what an earlier process began. */
  resume(): void {
    for (const update of this.means.records.all()) {
      const run = this.#newRun(update);
      // Of an update that has ended its output is read when somebody asks for it.
      if (update.state === "running") this.#follow(run);
    }
  }

  /** @throws Fault 404 no such bot; 409 `update_running`; 502 when it could not be begun */
  async start(name: string, by: string): Promise<BotUpdate> {
    const bot = this.#bot(name);
    if (this.#runs.get(name)?.update.state === "running")
      throw new Fault("conflict", "update_running", "An update of this bot is running already.");
    const { branch, directory } = bot.settings;
    const limitSeconds = this.means.topology().settings.update_limit_seconds;
    const update = newUpdate({ id: newId(), service: name, branch, limitSeconds, by, at: this.means.now() });
    const run = this.#newRun(update);
    this.#change(run, update);
    const argv = ["sh", "-c", BOT_UPDATE, "spark-bot-update", branch, String(limitSeconds)];
    try {
      await this.means.begin(bot, { id: jobOf(update), argv, cwd: directory }, this.#closed.signal);
    } catch (error) {
      if (this.#closed.signal.aborted) throw error;
      // Whether it began is not known when the answer was lost: what is read of it tells.
      if (!isAnswerLost(error)) {
        const reason = error instanceof Fault ? error.message : "It could not be begun.";
        this.#end(run, { ...run.update, state: "failed", reason, ended_at: this.means.now() });
        throw error;
      }
    }
    this.#follow(run);
    return run.update;
  }

  /** The last update; null before the first one. @throws Fault 404 */
  get(name: string): BotUpdate | null {
    this.#bot(name);
    return this.#runs.get(name)?.update ?? null;
  }

  /** The last update of each bot that has had one, even of a bot that is configured no more. */
  list(): BotUpdate[] {
    return [...this.#runs.values()].map(({ update }) => update);
  }

  /** Kills the job. @throws Fault 404; 409 `no_update` */
  async cancel(name: string): Promise<BotUpdate> {
    const bot = this.#bot(name);
    const run = this.#runs.get(name);
    if (run?.update.state !== "running") throw new Fault("conflict", "no_update", "No update of this bot is running.");
    run.isCancelled = true;
    await this.means.kill(bot, jobOf(run.update), this.#closed.signal);
    return run.update;
  }

  /** How it stands and its output, from the beginning, until it has ended. */
  async *follow(
    name: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly update: BotUpdate } | { readonly lines: readonly OutputLine[] }, void, unknown> {
    const run = this.#runs.get(name);
    if (!run) return;
    if (run.lines.length === 0 && run.update.state !== "running") await this.#readAgain(run);
    let shown: BotUpdate | null = null;
    let seq = 0;
    while (!signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      run.watchers.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      const { update } = run;
      const fresh = run.lines.filter((line) => line.seq > seq);
      seq = fresh.at(-1)?.seq ?? seq;
      if (fresh.length > 0) yield { lines: fresh };
      if (update !== shown) yield { update };
      shown = update;
      if (update.state !== "running" || this.#closed.signal.aborted) return;
      if (run.update === update && (run.lines.at(-1)?.seq ?? 0) <= seq) await promise;
      run.watchers.delete(resolve);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the controller is shutting down"));
    for (const run of this.#runs.values()) stir(run);
    await Promise.all(this.#reading.values());
  }

  #bot(name: string): Bot {
    const { topology } = this.means;
    const service = topology().services.find((each) => each.name === name);
    const bot = service && botOf(topology(), service);
    if (!bot) throw new Fault("not_found", "unknown_bot", "There is no bot with this name, or no user is set for it.");
    return bot;
  }

  #newRun(update: BotUpdate): Run {
    const run: Run = { update, lines: [], watchers: new Set(), isCancelled: false };
    this.#runs.set(update.service, run);
    return run;
  }

  #change(run: Run, update: BotUpdate): void {
    run.update = update;
    try {
      this.means.records.keep(update);
    } catch (error) {
      this.means.report(error);
    }
    this.means.onChange(update);
    stir(run);
  }

  #end(run: Run, update: BotUpdate): void {
    this.#change(run, update);
    this.means.onEnd(update);
  }

  #follow(run: Run): void {
    const { service } = run.update;
    const reading = this.#readToTheEnd(run)
      .catch((error) => {
        if (!this.#closed.signal.aborted) this.means.report(error);
      })
      .finally(() => this.#reading.delete(service));
    this.#reading.set(service, reading);
  }

  async #readToTheEnd(run: Run): Promise<void> {
    const { signal } = this.#closed;
    const until = Date.parse(run.update.started_at) + run.update.limit_seconds * 1000 + PATIENCE_MS;
    const output = new Output(run);
    let unbegun = 0;
    for (let offset = 0; ; ) {
      try {
        const reading = await this.means.read(this.#bot(run.update.service), jobOf(run.update), offset, signal);
        offset = reading.nextOffset;
        const update = output.take(reading.chunk);
        if (update !== run.update) this.#change(run, { ...update, reason: null });
        else if (reading.chunk.length > 0) stir(run);
        unbegun = reading.state === "absent" || reading.state === "prepared" ? unbegun + 1 : 0;
        const isOnItsWay = unbegun > 0 && unbegun < UNBEGUN_LOOKS;
        const isOver = reading.state !== "running" && reading.chunk.length === 0 && !isOnItsWay;
        if (isOver) return this.#end(run, ended(output.update, output.end(reading, run.isCancelled), this.means.now()));
        if (reading.chunk.length > 0 && reading.state !== "running") continue;
      } catch (error) {
        if (signal.aborted || !(error instanceof Fault)) throw error;
        if (Date.now() > until)
          return this.#end(run, { ...run.update, state: "unknown", reason: error.message, ended_at: this.means.now() });
        if (run.update.reason !== error.message) this.#change(run, { ...run.update, reason: error.message });
      }
      await this.means.pause(READ_MS, signal);
    }
  }

  /** The output of an update that has ended, from the job's log as long as the Spark keeps it. */
  async #readAgain(run: Run): Promise<void> {
    const output = new Output({ ...run, lines: run.lines });
    try {
      for (let offset = 0; ; ) {
        const reading = await this.means.read(
          this.#bot(run.update.service),
          jobOf(run.update),
          offset,
          this.#closed.signal,
        );
        offset = reading.nextOffset;
        output.take(reading.chunk);
        if (reading.chunk.length === 0) return;
      }
    } catch (error) {
      if (!(error instanceof Fault) || this.#closed.signal.aborted) throw error;
    }
  }
}

/** Bytes of the job's log as lines, and what the marks among them say. */
class Output {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #seq = 0;
  #timedOut = false;

  constructor(private readonly run: Run) {
    run.lines.length = 0;
  }

  take(chunk: Uint8Array): BotUpdate {
    const texts = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = texts.pop() ?? "";
    let { update } = this.run;
    for (const raw of texts) {
      // A progress bar draws itself anew after each \r.
      const line = (raw.replace(/\r$/, "").split("\r").at(-1) ?? "").slice(0, LONGEST_LINE);
      const mark = markIn(line);
      if (mark?.isTimeout) this.#timedOut = true;
      if (mark?.step) update = atStep(update, mark.step);
      if (mark !== null || line === "") continue;
      this.#seq += 1;
      this.run.lines.push({ seq: this.#seq, line });
      if (this.run.lines.length > MOST_LINES) this.run.lines.splice(0, this.run.lines.length - MOST_LINES);
    }
    return update === this.run.update ? update : { ...update, last_seq: this.#seq };
  }

  /** How it stands, with the number of its last line. */
  get update(): BotUpdate {
    return { ...this.run.update, last_seq: this.#seq };
  }

  end({ state, exitCode }: JobReading, cancelled: boolean): JobEnd {
    const how = state === "running" ? "vanished" : state;
    return { state: how, exitCode, timedOut: this.#timedOut, cancelled, lastLine: this.run.lines.at(-1)?.line ?? null };
  }
}

function stir({ watchers }: Run): void {
  for (const wake of [...watchers]) wake();
  watchers.clear();
}

const jobOf = ({ id }: BotUpdate) => `${id}-update`;

function botOf(topology: Topology, { name, node: nodeName, bot, disabled }: Service): Bot | null {
  const node = nodeName === null ? undefined : usableNode(topology, nodeName);
  if (!node || !bot || disabled) return null;
  return { name, node: { ...node, user: bot.user }, settings: bot };
}
