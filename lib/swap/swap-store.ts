/** Swaps and beliefs in the facts database. Every write is one durable transaction. */
import type { Database } from "bun:sqlite";
import { Fault } from "../fault.ts";
import { readJson } from "../read-json.ts";
import { readMeta, writeMeta } from "../store/origin.ts";
import type { WriteWatch } from "../store/telemetry-writer.ts";
import { unwritable } from "../store/unwritable.ts";
import type { PhaseSeconds } from "./eta.ts";
import type { Belief } from "./facts.ts";
import type { LoadTimes } from "./load-clock.ts";
import type { MachineState } from "./machine.ts";
import { jobIdOf, type SwapOrder } from "./order.ts";
import { LOAD_PHASES, type LoadPhase } from "./phases.ts";
import type { SwapJob } from "./swap.ts";

/** Everything about one swap: what the API shows, the machine's state, and the order as it was given. */
export interface SwapRecord {
  readonly job: SwapJob;
  readonly machine: MachineState;
  readonly order: SwapOrder;
  /** Of the present attempt, as last kept; records of earlier versions have none. */
  readonly load?: LoadTimes;
  /**
   * Only in data that were restored from a backup, until the Sparks have been asked: the highest generation that those data
   * knew. A Spark that remembers a later one has been used since, and this swap ended long ago.
   */
  readonly restored?: number;
}

/**
 * What else tells of generations: swaps, the reservation that is held, and the records of earlier ones. A row that cannot be
 * read says nothing, and must not keep the others from being heard.
 */
const WITNESSES = `SELECT max(generation) AS generation FROM swap
  UNION ALL SELECT CASE WHEN json_valid(document) THEN document ->> '$.generation' END FROM reservation
  UNION ALL SELECT * FROM
    (SELECT CASE WHEN json_valid(json) THEN json ->> '$.lock.generation' END AS seen FROM event
     WHERE type = 'lock.acquired' AND seen IS NOT NULL ORDER BY id DESC LIMIT 1)`;
/** More have never been given out. */
const MOST_GENERATIONS = 1e12;

/** Kept of the points at which these data turned out to be old: swaps of before the first of more have ended long ago. */
const MOST_GAPS = 20;

/** @returns 0 for what no counter can have reached */
function soundGeneration(text: string | undefined): number {
  const generation = text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
  return generation <= MOST_GENERATIONS ? generation : 0;
}

interface Row {
  readonly document: string;
}

export class SwapStore {
  /** @param watch is told of every durable write */
  constructor(
    private readonly db: Database,
    private readonly watch?: WriteWatch,
  ) {}

  /** Runs `decide` and the write it leads to as one transaction: nothing can come between a check and its claim. */
  claim<T>(decide: () => T): T {
    try {
      const result = this.db.transaction(decide).immediate();
      this.watch?.worked("swaps");
      return result;
    } catch (error) {
      const cause = unwritable(error);
      if (!cause) throw error;
      this.watch?.failed("swaps", cause);
      const message =
        "The disk of Spark Control is full or cannot be written. Nothing was changed. Make room on the disk that holds its DATA_DIR, then try again.";
      throw new Fault("unavailable", "store_unwritable", message, { evidence: cause.message }, { cause });
    }
  }

  /**
   * The next fencing generation; durable together with the claim that asked for it.
   * @param seen a generation that the nodes remember: the answer is above it
   */
  nextGeneration(seen = 0): number {
    const next = Math.max(this.highestGeneration(), seen) + 1;
    writeMeta(this.db, "generation", String(next));
    return next;
  }

  /** The generations from here on are above this one. */
  goOnAbove(seen: number): void {
    this.claim(() => {
      if (seen > this.highestGeneration()) this.nextGeneration(seen - 1);
    });
  }

  /**
   * The same where a Spark of this controller tells of it: beyond what is known here, it was given out by a later state of these data.
   * Where they left off is kept with it, or a swap of before would soon look like one that is undisturbed.
   */
  goOnAfterOthers(seen: number): void {
    const highest = this.highestGeneration();
    if (seen <= highest) return;
    this.claim(() => {
      writeMeta(this.db, "generations_left_at", [...this.#leftAt(), highest].slice(-MOST_GAPS).join(" "));
      this.goOnAbove(seen);
    });
  }

  /** The highest generation that was given out here for certain, to whoever holds this one. */
  lastGivenOutSince(generation: number): number {
    return this.#leftAt().find((each) => each >= generation) ?? this.highestGeneration();
  }

  /** After these the generations were given out elsewhere for a while, ascending. */
  #leftAt(): number[] {
    return (readMeta(this.db, "generations_left_at") ?? "").split(" ").map(soundGeneration);
  }

  highestGeneration(): number {
    const value = readMeta(this.db, "generation");
    const kept = soundGeneration(value ?? undefined);
    return kept === 0 && value !== null && value !== "0" ? this.#witnessed() : kept;
  }

  /**
   * To be called at the start: a counter that is damaged, or behind what these data tell themselves, goes on above all of it.
   * What the Sparks have seen beyond, they tell at the first contact.
   */
  mendCounter(): void {
    const highest = this.#witnessed();
    if (highest > this.highestGeneration()) this.goOnAbove(highest);
  }

  #witnessed(): number {
    const witnesses = this.db.query<{ generation: unknown }, []>(WITNESSES).all();
    return Math.max(0, ...witnesses.map(({ generation }) => soundGeneration(String(generation))));
  }

  save(record: SwapRecord): void {
    const { job } = record;
    this.db.run(
      `INSERT INTO swap (job_id, slot, model_key, state, phase, generation, created_at, updated_at, ended_at, document)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (job_id) DO UPDATE SET state = ?4, phase = ?5, generation = max(generation, ?6), updated_at = ?8, ended_at = ?9, document = ?10`,
      [
        job.job_id,
        job.slot,
        job.model,
        job.state,
        job.phase,
        job.generation,
        job.created_at,
        job.updated_at,
        job.ended_at,
        JSON.stringify(record),
      ],
    );
  }

  find(jobId: string): SwapRecord | null {
    return parse(this.db.query<Row, [string]>("SELECT document FROM swap WHERE job_id = ?1").get(jobId));
  }

  /** Newest first. */
  list(limit: number): SwapRecord[] {
    return this.db
      .query<Row, [number]>("SELECT document FROM swap ORDER BY created_at DESC, job_id DESC LIMIT ?1")
      .all(limit)
      .flatMap((row) => parse(row) ?? []);
  }

  /** Swaps that own their slot: those that go on, and unknown ones while they are looked into. */
  unsettled(): SwapRecord[] {
    return this.db
      .query<Row, []>("SELECT document FROM swap WHERE ended_at IS NULL ORDER BY created_at")
      .all()
      .flatMap((row) => parse(row) ?? []);
  }

  /**
   * To be called at the start: a swap under way of which nothing can be read any more ends. What it loaded may still run; the
   * slot shows it as loaded by hand, and the next swap there stops it.
   * @param at ISO 8601 @returns their job ids
   */
  endUnreadable(at: string): string[] {
    const rows = this.db.query<Row & { job_id: string }, []>("SELECT * FROM swap WHERE ended_at IS NULL").all();
    const ids = rows.flatMap((row) => (parse(row) === null ? [row.job_id] : []));
    for (const id of ids)
      this.db.run("UPDATE swap SET state = 'failed', phase = 'failed', ended_at = ?2 WHERE job_id = ?1", [id, at]);
    return ids;
  }

  /** Swaps of which nobody knows how they ended, oldest first. */
  unknown(): SwapRecord[] {
    return this.db
      .query<Row, []>("SELECT document FROM swap WHERE state = 'unknown' AND ended_at IS NOT NULL ORDER BY created_at")
      .all()
      .flatMap((row) => parse(row) ?? []);
  }

  /** These data were restored: what they say is under way is not taken up before the Sparks were asked. */
  setRestored(): void {
    const restored = this.highestGeneration();
    for (const record of [...this.unsettled(), ...this.unknown()]) this.save({ restored, ...record });
  }

  /** Seconds per phase of the model's finished loads, newest first. */
  pastLoads(modelKey: string, limit: number): PhaseSeconds[] {
    return this.db
      .query<Row, [string, number]>(
        "SELECT document FROM swap WHERE model_key = ?1 AND state = 'ready' ORDER BY created_at DESC LIMIT ?2",
      )
      .all(modelKey, limit)
      .flatMap((row) => parse(row) ?? [])
      .map((record) => phaseSeconds(record.job));
  }

  beliefs(): Belief[] {
    return this.db
      .query<Row, []>("SELECT document FROM slot_belief")
      .all()
      .flatMap((row) => readJson<Belief>(row.document) ?? []);
  }

  /** The slot that a launch belongs to; null when these data do not know it. */
  slotOf(launchId: string): string | null {
    const believed = this.beliefs().find((belief) => belief.launch_id === launchId);
    return believed?.slot ?? this.find(jobIdOf(launchId))?.job.slot ?? null;
  }

  believe(belief: Belief): void {
    this.db.run(
      "INSERT INTO slot_belief (slot, document) VALUES (?1, ?2) ON CONFLICT (slot) DO UPDATE SET document = ?2",
      [belief.slot, JSON.stringify(belief)],
    );
  }

  disbelieve(slot: string): void {
    this.db.run("DELETE FROM slot_belief WHERE slot = ?1", [slot]);
  }
}

/** @returns null also when it cannot be read */
function parse(row: Row | null): SwapRecord | null {
  const record = row && readJson<SwapRecord>(row.document);
  return record?.job && record.machine && record.order ? record : null;
}

/** What each phase of this load took. The launch counts to the containers, the check at the end to serving. */
export function phaseSeconds(job: SwapJob): PhaseSeconds {
  const seconds = Object.fromEntries(LOAD_PHASES.map((phase) => [phase, 0])) as Record<LoadPhase, number>;
  for (const span of job.phases) {
    const phase = belongsTo(span.name);
    if (phase && span.ended_at) seconds[phase] += (Date.parse(span.ended_at) - Date.parse(span.started_at)) / 1000;
  }
  return seconds;
}

function belongsTo(name: string): LoadPhase | null {
  if (name === "launching" || name === "loading") return "containers";
  if (name === "verifying") return "serving";
  return (LOAD_PHASES as readonly string[]).includes(name) ? (name as LoadPhase) : null;
}
