/** Endpoints, messages and deliveries in the facts database. */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { isoTime } from "../ids.ts";
import { readJson } from "../read-json.ts";
import type { Message } from "./payload.ts";
import { type AttemptError, sentenceOf } from "./retry.ts";
import type { Attempt, Delivery, DeliveryDetail, DeliveryState, Endpoint } from "./webhook.ts";

interface EndpointRow {
  readonly id: string;
  readonly name: string | null;
  readonly url: string;
  readonly events: string;
  readonly enabled: number;
  readonly secret: string | null;
  readonly previous_secret: string | null;
  readonly previous_until: number | null;
  readonly created_at: string;
  readonly updated_at: string;
}

interface DeliveryRow {
  readonly id: string;
  readonly endpoint_id: string;
  readonly message_id: string;
  readonly event: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly tries: number;
  readonly next_at: number | null;
  readonly created_at: string;
  readonly last_at: string | null;
  readonly status: number | null;
  readonly error: AttemptError | null;
}

/** What an attempt needs. */
export interface Due {
  readonly id: string;
  readonly messageId: string;
  readonly event: string;
  readonly body: string;
  readonly attempts: number;
  /** Attempts since it was queued, or queued again. */
  readonly tries: number;
}

export interface AttemptRecord {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: AttemptError | null;
}

export interface DeliveryFilter {
  readonly endpoint?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** Id of a delivery: only older ones. */
  readonly before?: string | undefined;
  readonly limit: number;
}

const DELIVERY = `SELECT d.id, d.endpoint_id, d.message_id, m.event, d.state, d.attempts, d.tries, d.next_at,
  d.created_at, d.last_at, d.status, d.error
  FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id`;

export class WebhookStore {
  constructor(readonly db: Database) {}

  transaction<T>(run: () => T): T {
    return this.db.transaction(run).immediate();
  }

  endpoints(): Endpoint[] {
    return this.db
      .query<EndpointRow, []>("SELECT * FROM webhook_endpoint ORDER BY created_at, id")
      .all()
      .map((row) => ({
        id: row.id,
        name: row.name,
        url: row.url,
        // Told of nothing until somebody chooses anew: it is still listed.
        events: readJson<Endpoint["events"]>(row.events) ?? [],
        enabled: row.enabled === 1,
        source: "settings",
        secret: row.secret,
        previousSecret: row.previous_secret,
        previousUntil: row.previous_until,
        createdAt: row.created_at,
        updatedAt: row.updated_at,
      }));
  }

  saveEndpoint(one: Endpoint): void {
    this.db.run(
      `INSERT INTO webhook_endpoint
         (id, name, url, events, enabled, secret, previous_secret, previous_until, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT (id) DO UPDATE SET name = ?2, url = ?3, events = ?4, enabled = ?5, secret = ?6,
         previous_secret = ?7, previous_until = ?8, updated_at = ?10`,
      [
        one.id,
        one.name,
        one.url,
        JSON.stringify(one.events),
        one.enabled ? 1 : 0,
        one.secret,
        one.previousSecret,
        one.previousUntil,
        one.createdAt,
        one.updatedAt,
      ],
    );
  }

  /** With its deliveries. */
  deleteEndpoint(id: string): void {
    this.db.run("DELETE FROM webhook_delivery WHERE endpoint_id = ?1", [id]);
    this.db.run("DELETE FROM webhook_endpoint WHERE id = ?1", [id]);
  }

  /** @returns endpoints that had one whose time is over */
  forgetSecrets(now: number): number {
    return this.db.run(
      "UPDATE webhook_endpoint SET previous_secret = NULL, previous_until = NULL WHERE previous_until <= ?1",
      [now],
    ).changes;
  }

  /** @returns false when it was told before */
  addMessage(id: string, message: Message, body: string): boolean {
    const { changes } = this.db.run(
      "INSERT INTO webhook_message (id, event, at, once, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (once) DO NOTHING",
      [id, message.event, message.at, message.once, body],
    );
    return changes === 1;
  }

  /** @param nextAt milliseconds since the epoch; null when it is never sent */
  addDelivery(id: string, messageId: string, endpointId: string, at: string, nextAt: number | null): void {
    this.db.run(
      `INSERT INTO webhook_delivery (id, message_id, endpoint_id, state, attempts, tries, next_at, created_at)
       VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6)`,
      [id, messageId, endpointId, nextAt === null ? "suppressed" : "pending", nextAt, at],
    );
  }

  /** The next delivery of an endpoint whose time has come. */
  due(endpointId: string, now: number): Due | null {
    return this.db
      .query<Due, [string, number]>(
        `SELECT d.id, d.message_id AS messageId, m.event, m.body, d.attempts, d.tries
         FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id
         WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.next_at <= ?2
         ORDER BY d.next_at, d.id LIMIT 1`,
      )
      .get(endpointId, now);
  }

  /** When the next delivery of an endpoint is due; null when none waits. */
  nextAt(endpointId: string): number | null {
    const row = this.db
      .query<{ at: number | null }, [string]>(
        "SELECT MIN(next_at) AS at FROM webhook_delivery WHERE endpoint_id = ?1 AND state = 'pending'",
      )
      .get(endpointId);
    return row?.at ?? null;
  }

  /** Nothing may wait longer than the schedule makes it: a clock that was wrong for a while has been set back. */
  pullIn(latest: number, now: number): void {
    this.db.run("UPDATE webhook_delivery SET next_at = ?2 WHERE state = 'pending' AND next_at > ?1", [latest, now]);
  }

  /** @param nextAt null when it is over */
  recordAttempt(due: Due, attempt: AttemptRecord, state: DeliveryState, nextAt: number | null): void {
    const { at, durationMs, status, error } = attempt;
    this.db.run(
      `UPDATE webhook_delivery
       SET state = ?2, attempts = attempts + 1, tries = tries + 1, next_at = ?3, last_at = ?4, status = ?5, error = ?6
       WHERE id = ?1`,
      [due.id, state, nextAt, at, status, error],
    );
    // The endpoint may have been removed meanwhile, and the delivery with it.
    this.db.run(
      `INSERT INTO webhook_attempt (delivery_id, number, at, duration_ms, status, error)
       SELECT id, attempts, ?2, ?3, ?4, ?5 FROM webhook_delivery WHERE id = ?1`,
      [due.id, at, durationMs, status, error],
    );
  }

  queueAgain(id: string, now: number): void {
    this.db.run("UPDATE webhook_delivery SET state = 'pending', tries = 0, next_at = ?2 WHERE id = ?1", [id, now]);
  }

  delivery(id: string): Delivery | null {
    const row = this.db.query<DeliveryRow, [string]>(`${DELIVERY} WHERE d.id = ?1`).get(id);
    return row ? shown(row) : null;
  }

  detail(id: string): DeliveryDetail | null {
    const delivery = this.delivery(id);
    if (!delivery) return null;
    const body = this.db
      .query<{ body: string }, [string]>("SELECT body FROM webhook_message WHERE id = ?1")
      .get(delivery.message_id)!.body;
    const log = this.db
      .query<Omit<Attempt, "error"> & { error: AttemptError | null }, [string]>(
        "SELECT number, at, duration_ms, status, error FROM webhook_attempt WHERE delivery_id = ?1 ORDER BY number",
      )
      .all(id)
      .map((row) => ({ ...row, error: row.error && sentenceOf(row.error, row.status) }));
    return { ...delivery, body, log };
  }

  /** Newest first. */
  deliveries({ endpoint, state, before, limit }: DeliveryFilter): Delivery[] {
    const wanted: [string, SQLQueryBindings | undefined][] = [
      ["d.endpoint_id = ?", endpoint],
      ["d.state = ?", state],
      ["d.id < ?", before],
    ];
    const set = wanted.filter(([, value]) => value !== undefined);
    const where = set.length > 0 ? `WHERE ${set.map(([text]) => text).join(" AND ")}` : "";
    return this.db
      .query<DeliveryRow, SQLQueryBindings[]>(`${DELIVERY} ${where} ORDER BY d.id DESC LIMIT ?`)
      .all(...set.map(([, value]) => value as SQLQueryBindings), limit)
      .map(shown);
  }

  pending(endpointId: string): number {
    const row = this.db
      .query<{ count: number }, [string]>(
        "SELECT COUNT(*) AS count FROM webhook_delivery WHERE endpoint_id = ?1 AND state = 'pending'",
      )
      .get(endpointId);
    return row?.count ?? 0;
  }

  /**
   * Forgets what is over and older than `before`, the oldest beyond `most` deliveries, and what has been due since before
   * that time, because its endpoint is switched off or gone. @returns deliveries removed
   */
  prune(before: string, most: number): number {
    const { changes } = this.db.run(
      `DELETE FROM webhook_delivery WHERE (state <> 'pending' AND created_at < ?1)
         OR (state = 'pending' AND next_at < ?3)
         OR id IN (SELECT id FROM webhook_delivery WHERE state <> 'pending' ORDER BY id DESC LIMIT -1 OFFSET ?2)`,
      [before, most, Date.parse(before)],
    );
    this.db.run("DELETE FROM webhook_message WHERE at < ?1 AND id NOT IN (SELECT message_id FROM webhook_delivery)", [
      before,
    ]);
    return changes;
  }
}

function shown(row: DeliveryRow): Delivery {
  const { id, endpoint_id, message_id, event, state, attempts, created_at, last_at, status, error } = row;
  return {
    id,
    endpoint_id,
    message_id,
    event,
    state,
    attempts,
    created_at,
    next_at: state === "pending" && row.next_at !== null ? isoTime(row.next_at) : null,
    last_at,
    status,
    error: error && sentenceOf(error, status),
  };
}
