/** Webhooks: endpoints that people set, the outbox, and the log of deliveries. */
import type { Database } from "bun:sqlite";
import type { FactEvent } from "../events/event.ts";
import { lastFact, onFact } from "../events/facts.ts";
import { Fault } from "../fault.ts";
import { isoTime, newId } from "../ids.ts";
import { DeliveryWorker, validSecrets, type WorkerOptions } from "./delivery-worker.ts";
import { Endpoints, type EndpointsOptions, type Saved } from "./endpoints.ts";
import { LoopMark } from "./loop.ts";
import { bodyOf, messageOf } from "./messages.ts";
import type { Message } from "./payload.ts";
import { urlRefusal } from "./url-rule.ts";
import {
  type Delivery,
  type DeliveryDetail,
  type Endpoint,
  EVERY_EVENT,
  type NewWebhook,
  TEST_EVENT,
  type Webhook,
  type WebhookChange,
} from "./webhook.ts";
import { type DeliveryFilter, WebhookStore } from "./webhook-store.ts";

const KEPT_MS = 30 * 86_400_000;
const MOST_KEPT = 20_000;
const TIDY_MS = 3_600_000;

export interface WebhooksOptions
  extends Pick<WorkerOptions, "send" | "retryDelaysMs" | "now" | "random" | "report">,
    Omit<EndpointsOptions, "store"> {
  readonly db: Database;
  readonly version: string;
  /** Of a simulated cluster nothing is sent: what would have been is recorded as suppressed. */
  readonly simulated: boolean;
  /** A delivery was queued, tried or given up. */
  readonly onDelivery: (delivery: Delivery) => void;
}

/** An endpoint, and its secret if it was made just now: this is the only time that it is shown. */
export type ShownOnce = Webhook & { secret?: string };

export class Webhooks {
  readonly #store: WebhookStore;
  readonly #endpoints: Endpoints;
  readonly #worker: DeliveryWorker;
  readonly #mark = new LoopMark();
  #tidying: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly options: WebhooksOptions) {
    this.#store = new WebhookStore(options.db);
    this.#endpoints = new Endpoints({ ...options, store: this.#store });
    this.#worker = new DeliveryWorker({
      ...options,
      store: this.#store,
      endpoints: () => this.#endpoints.all().filter(({ enabled }) => enabled),
      mark: this.#mark,
      userAgent: `spark-control/${options.version}`,
      onAttempt: (id) => this.#tell(id),
    });
    onFact(options.db, ({ id, event }) => this.#enqueue(id, event));
  }

  /** Takes up what an earlier process left in the outbox. */
  start(): void {
    this.#tidy();
    this.#tidying = setInterval(() => this.#tidy(), TIDY_MS);
    this.#tidying.unref();
    if (!this.options.simulated) this.#worker.wake();
  }

  async close(): Promise<void> {
    if (this.#tidying) clearInterval(this.#tidying);
    await this.#worker.close();
  }

  list(): Webhook[] {
    return this.#endpoints.all().map((endpoint) => this.#shown(endpoint));
  }

  /** @returns headers of the refusal of a request that is a delivery from here; null when it is none */
  loopRefusal(request: Headers): Readonly<Record<string, string>> | null {
    return this.#mark.refusalFor(request);
  }

  /** Every secret that is in use, for those who take secrets out of texts. */
  secrets(): readonly string[] {
    return this.#endpoints
      .all()
      .flatMap(({ secret, previousSecret }) => [secret, previousSecret].filter((one) => one !== null));
  }

  /** @throws Fault 404 */
  get(id: string): Webhook {
    return this.#shown(this.#endpoints.find(id));
  }

  /** @throws Fault 422 a URL or a secret that cannot be used, 409 too many */
  add(wanted: NewWebhook, id?: string): ShownOnce {
    return this.#saved(this.#endpoints.add(wanted, id));
  }

  /** @throws Fault 404, 409 it comes from the environment, 422 */
  change(id: string, wanted: WebhookChange): ShownOnce {
    const saved = this.#endpoints.change(id, wanted);
    this.#worker.release(id);
    return this.#saved(saved);
  }

  /** Its deliveries go with it. @throws Fault 404, 409 it comes from the environment */
  remove(id: string): void {
    this.#endpoints.remove(id);
  }

  /** Queues a message of the event `test`, whatever the endpoint asks for. @throws Fault 404, 409 it is switched off */
  test(id: string): Delivery {
    const endpoint = this.#switchedOn(id);
    const at = isoTime(this.options.now());
    const data = { text: "This is a test of Spark Control's webhook. Nothing has happened." };
    const message: Message = { event: TEST_EVENT, at, data, once: null };
    const [delivery] = this.#store.transaction(() => this.#queue(message, [endpoint]));
    return this.#told(delivery!);
  }

  /** Newest first. @throws Fault 404 */
  deliveries(filter: DeliveryFilter): Delivery[] {
    if (filter.endpoint !== undefined) this.#endpoints.find(filter.endpoint);
    return this.#store.deliveries(filter);
  }

  /** @throws Fault 404 */
  delivery(id: string): DeliveryDetail {
    const detail = this.#store.detail(id);
    if (!detail) throw new Fault("not_found", "unknown_delivery", "There is no delivery with this id.");
    return detail;
  }

  /**
   * Sends it again, under the same `webhook-id`.
   * @throws Fault 404; 409 the webhook is switched off, it waits already, or the cluster is simulated
   */
  redeliver(id: string): Delivery {
    const { state, endpoint_id } = this.delivery(id);
    this.#switchedOn(endpoint_id);
    if (this.options.simulated) throw new Fault("conflict", "suppressed", "Nothing is sent from a simulated cluster.");
    if (state === "pending") throw new Fault("conflict", "delivery_pending", "This delivery is still being tried.");
    this.#store.transaction(() => this.#store.queueAgain(id, this.options.now()));
    this.#worker.release(endpoint_id);
    return this.#told(id);
  }

  #switchedOn(id: string): Endpoint {
    const endpoint = this.#endpoints.find(id);
    if (endpoint.enabled) return endpoint;
    throw new Fault("conflict", "webhook_disabled", "This webhook is switched off. Switch it on first.");
  }

  /** Within the transaction of the fact: the outbox row exists exactly when the fact does. */
  #enqueue(factId: number, event: FactEvent): void {
    const node = (name: string) => lastFact(this.options.db, "node.changed", ["node", name], factId);
    const message = messageOf(event, { node });
    if (!message) return;
    const wanting = this.#endpoints
      .all()
      .filter(
        ({ enabled, events }) => enabled && events.some((name) => name === EVERY_EVENT || name === message.event),
      );
    if (wanting.length === 0) return;
    const queued = this.#queue(message, wanting);
    // After the commit, if there is one.
    setTimeout(() => {
      for (const id of queued) this.#tell(id);
    });
  }

  /** @returns ids of the deliveries */
  #queue(message: Message, endpoints: readonly Endpoint[]): string[] {
    const messageId = newId();
    if (!this.#store.addMessage(messageId, message, bodyOf(message))) return [];
    const now = this.options.now();
    const { simulated } = this.options;
    const ids = endpoints.map((endpoint) => {
      const id = newId();
      this.#store.addDelivery(id, messageId, endpoint.id, isoTime(now), simulated ? null : now);
      return id;
    });
    if (!simulated) this.#worker.wake();
    return ids;
  }

  #told(id: string): Delivery {
    this.#tell(id);
    return this.#store.delivery(id)!;
  }

  #tell(id: string): void {
    try {
      const delivery = this.#store.delivery(id);
      if (delivery) this.options.onDelivery(delivery);
    } catch (error) {
      this.options.report(error);
    }
  }

  #saved({ endpoint, made }: Saved): ShownOnce {
    return { ...this.#shown(endpoint), ...(made === null ? {} : { secret: made }) };
  }

  #shown(endpoint: Endpoint): Webhook {
    const { id, name, url, events, enabled, source, secret, previousUntil, createdAt, updatedAt } = endpoint;
    const rotating = validSecrets(endpoint, this.options.now()).length > 1;
    return {
      id,
      name,
      url,
      events: [...events],
      enabled,
      source,
      has_secret: secret !== null,
      previous_secret_until: rotating && previousUntil !== null ? isoTime(previousUntil) : null,
      problem: urlRefusal(url, this.options.ownPort()),
      pending: this.#store.pending(id),
      last_delivery: this.#store.deliveries({ endpoint: id, limit: 1 })[0] ?? null,
      created_at: createdAt,
      updated_at: updatedAt,
    };
  }

  #tidy(): void {
    try {
      const before = isoTime(this.options.now() - KEPT_MS);
      this.#store.transaction(() => this.#store.prune(before, MOST_KEPT));
      this.#endpoints.forgetOldSecrets();
    } catch (error) {
      this.options.report(error);
    }
  }
}
