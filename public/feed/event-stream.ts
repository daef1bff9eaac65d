/**
 * One connection to `/api/events` that stays: silence and errors are noticed, it is opened again by itself, and a new
 * listener gets a snapshot of its own. Runs in the page or in the worker that all tabs share.
 */

const URL_OF_EVENTS = "/api/events";
/** The server says something every 2 s; a cable that was pulled sends no error. */
const SILENCE_MS = 5_000;
/** A controller that is started again is away for a second or two, and 5 s of silence are told. */
const RETRY_MS = 1_000;

/** In the words of the server. */
const EVENT_NAMES = [
  "snapshot",
  "swap",
  "slot",
  "nodes",
  "config",
  "log",
  "lock",
  "schedule",
  "webhooks",
  "webhook_delivery",
  "activity",
  "hardware",
  "connectivity",
  "download",
  "service",
  "bot_update",
  "beat",
] as const;

export type FeedMessage =
  | { readonly name: (typeof EVENT_NAMES)[number]; readonly json: string }
  /** There is no connection; it is being tried again. For so long nothing was heard of the server. */
  | { readonly name: "cut"; readonly silentMs: number };

export class EventStream {
  /** What messages come from; a younger one takes over with its snapshot. */
  #current: EventSource | null = null;
  #next: EventSource | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heardAt = performance.now();
  #isCut = false;

  constructor(private readonly tell: (message: FeedMessage) => void) {}

  /** What a new listener has to know at once; null when all is well or not known yet. */
  get cut(): FeedMessage | null {
    return this.#isCut ? this.#silent() : null;
  }

  /**
   * Asks for a snapshot, by a new connection that replaces the present one once it speaks: nothing is missed and
   * nothing comes twice out of order.
   */
  open(): void {
    if (this.#next) return;
    if (!this.#current && !this.#isCut) this.#heardAt = performance.now();
    clearTimeout(this.#retry);
    const source = new EventSource(URL_OF_EVENTS);
    this.#next = source;
    this.#countSilence();
    for (const name of EVENT_NAMES) {
      source.addEventListener(name, (event) => {
        if (name === "snapshot") this.#takeOver(source);
        if (source !== this.#current) return;
        this.#heard();
        this.tell({ name, json: event.data });
      });
    }
    // The browser's own retry gives up on some answers, and knows nothing of a second connection.
    source.onerror = () => this.#fail(source);
  }

  close(): void {
    this.#current?.close();
    this.#next?.close();
    this.#current = null;
    this.#next = null;
    this.#isCut = false;
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
  }

  #takeOver(source: EventSource): void {
    if (source !== this.#next) return;
    this.#current?.close();
    this.#current = source;
    this.#next = null;
    this.#isCut = false;
  }

  #silent(): FeedMessage {
    return { name: "cut", silentMs: performance.now() - this.#heardAt };
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#countSilence();
  }

  #countSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  #fail(source: EventSource): void {
    source.close();
    if (source === this.#current) this.#current = null;
    if (source === this.#next) this.#next = null;
    if (this.#next) return;
    // Somebody still waits for the snapshot that did not come.
    if (this.#current) this.#retry = setTimeout(() => this.open(), RETRY_MS);
    else this.#lose();
  }

  #lose(): void {
    this.close();
    this.#isCut = true;
    this.tell(this.#silent());
    this.#retry = setTimeout(() => this.open(), RETRY_MS);
  }
}
