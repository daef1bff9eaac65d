/** The endpoints as people set them, with their secrets: checked, durable, each change a fact. */
import type { Database } from "bun:sqlite";
import type { WebhookChanged } from "../events/event.ts";
import { recordFact } from "../events/facts.ts";
import { Fault } from "../fault.ts";
import { isoTime, newId } from "../ids.ts";
import { fromEnvironment } from "./environment.ts";
import { isUsableSecret, makeSecret } from "./sign.ts";
import { urlRefusal } from "./url-rule.ts";
import { DEFAULT_EVENTS, type Endpoint, type NewWebhook, type WebhookChange } from "./webhook.ts";
import type { WebhookStore } from "./webhook-store.ts";

const PREVIOUS_SECRET_SECONDS = 86_400;
const MOST_ENDPOINTS = 200;

export interface EndpointsOptions {
  readonly db: Database;
  readonly store: WebhookStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Port of the controller; null while it does not listen. */
  readonly ownPort: () => number | null;
  /** A setting was changed, durably. */
  readonly onChange: (event: WebhookChanged) => void;
}

export interface Saved {
  readonly endpoint: Endpoint;
  /** The secret that was made just now, if it was. */
  readonly made: string | null;
}

export class Endpoints {
  readonly #environment: Endpoint | null;
  /** Read anew after each change: deliveries ask for them thousands of times. */
  #known: readonly Endpoint[] | null = null;

  constructor(private readonly options: EndpointsOptions) {
    this.#environment = fromEnvironment(options.env);
  }

  all(): readonly Endpoint[] {
    this.#known ??= [...(this.#environment ? [this.#environment] : []), ...this.options.store.endpoints()];
    return this.#known;
  }

  /** @throws Fault 404 */
  find(id: string): Endpoint {
    const found = this.all().find((each) => each.id === id);
    if (!found) throw new Fault("not_found", "unknown_webhook", "There is no webhook with this id.");
    return found;
  }

  /** @throws Fault 422 a URL or a secret that cannot be used, 409 too many */
  add(wanted: NewWebhook, id = newId()): Saved {
    const at = isoTime(this.options.now());
    const made = wanted.generate_secret ? makeSecret() : null;
    const endpoint: Endpoint = {
      id,
      name: wanted.name ?? null,
      url: wanted.url,
      events: wanted.events ?? DEFAULT_EVENTS,
      enabled: wanted.enabled ?? true,
      source: "settings",
      secret: made ?? wanted.secret ?? null,
      previousSecret: null,
      previousUntil: null,
      createdAt: at,
      updatedAt: at,
    };
    this.#check(endpoint);
    if (this.all().length >= MOST_ENDPOINTS)
      throw new Fault("conflict", "too_many_webhooks", `There are ${MOST_ENDPOINTS} webhooks already. Remove some.`);
    this.#save(endpoint, "added");
    return { endpoint, made };
  }

  /** @throws Fault 404, 409 it comes from the environment, 422 */
  change(id: string, wanted: WebhookChange): Saved {
    const before = this.#changeable(id);
    const made = wanted.generate_secret ? makeSecret() : null;
    const endpoint: Endpoint = {
      ...before,
      name: wanted.name === undefined ? before.name : wanted.name,
      url: wanted.url ?? before.url,
      events: wanted.events ?? before.events,
      enabled: wanted.enabled ?? before.enabled,
      ...this.#secrets(before, made ?? wanted.secret, wanted.previous_secret_seconds),
      updatedAt: isoTime(this.options.now()),
    };
    this.#check(endpoint);
    this.#save(endpoint, endpoint.secret === before.secret ? "changed" : "secret_changed");
    return { endpoint, made };
  }

  /** Its deliveries go with it. @throws Fault 404, 409 it comes from the environment */
  remove(id: string): void {
    const endpoint = this.#changeable(id);
    this.#write(endpoint, "removed", () => this.options.store.deleteEndpoint(id));
  }

  /** Secrets whose time is over are forgotten. */
  forgetOldSecrets(): void {
    if (this.options.store.forgetSecrets(this.options.now()) > 0) this.#known = null;
  }

  #changeable(id: string): Endpoint {
    const endpoint = this.find(id);
    if (endpoint.source === "settings") return endpoint;
    const message = "This webhook comes from WEBHOOK_URL and WEBHOOK_SECRET. Change it there, or add another one here.";
    throw new Fault("conflict", "webhook_read_only", message);
  }

  #check({ url, secret }: Endpoint): void {
    const refusal = urlRefusal(url, this.options.ownPort());
    if (refusal !== null) throw new Fault("invalid", "unusable_url", refusal);
    if (secret !== null && !isUsableSecret(secret))
      throw new Fault("invalid", "unusable_secret", "A secret that begins with whsec_ must go on in base64.");
  }

  /** The secret that is replaced signs beside the new one for a while, so that receivers can be changed in peace. */
  #secrets(
    before: Endpoint,
    wanted: string | null | undefined,
    seconds = PREVIOUS_SECRET_SECONDS,
  ): Pick<Endpoint, "secret" | "previousSecret" | "previousUntil"> {
    const { secret, previousSecret, previousUntil } = before;
    if (wanted === undefined || wanted === secret) return { secret, previousSecret, previousUntil };
    if (wanted === null || secret === null || seconds === 0)
      return { secret: wanted, previousSecret: null, previousUntil: null };
    return { secret: wanted, previousSecret: secret, previousUntil: this.options.now() + seconds * 1000 };
  }

  #save(endpoint: Endpoint, change: WebhookChanged["change"]): void {
    this.#write(endpoint, change, () => this.options.store.saveEndpoint(endpoint));
  }

  #write({ id, name }: Endpoint, change: WebhookChanged["change"], write: () => void): void {
    const { db, store, now, onChange } = this.options;
    const event: WebhookChanged = { type: "webhook.changed", at: isoTime(now()), webhook_id: id, name, change };
    try {
      store.transaction(() => {
        write();
        recordFact(db, event);
      });
    } finally {
      this.#known = null;
    }
    onChange(event);
  }
}
