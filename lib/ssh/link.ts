/** The way to one target: its connection if there is one, how long to wait before trying again if there is not. */
import type { CallLimit } from "./call-limit.ts";
import { Connection } from "./connection.ts";
import type { SshError } from "./errors.ts";
import { connectFailure } from "./failure.ts";
import { Slots } from "./slots.ts";
import type { SshTarget } from "./ssh.ts";
import { type ClientOptions, openClient } from "./ssh2-client.ts";

export interface Backoff {
  /** Milliseconds after the first failed attempt; doubled by each further one. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface LinkOptions extends ClientOptions {
  readonly maxChannels: number;
  /** So long no more commands are tried at a time than the peer took when it refused one. */
  readonly narrowMs: number;
  readonly backoff: Backoff;
  readonly log?: ((message: string, fields: Readonly<Record<string, unknown>>) => void) | undefined;
}

export class Link {
  readonly slots: Slots;
  readonly #closing = new AbortController();
  readonly #connections = new Set<Connection>();
  #current: Connection | undefined;
  #attempt: Promise<Connection> | undefined;
  /** Wakes those who wait within a pause: somebody else does not wait. */
  readonly #waiting = new Set<() => void>();
  #widening: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #lastError: SshError | undefined;
  #notBefore = 0;

  constructor(
    readonly target: SshTarget,
    readonly options: LinkOptions,
  ) {
    this.slots = new Slots(options.maxChannels);
  }

  /**
   * The connection, made now if needed. Callers share one attempt. Within the pause after a failed attempt a caller
   * waits for the next one, whoever makes it, if its deadline reaches that far; otherwise it gets the last error at once.
   */
  async connection(limit: CallLimit): Promise<Connection> {
    for (;;) {
      limit.check();
      if (this.#current?.usable) return this.#current;
      const pauseMs = this.#attempt === undefined ? this.#notBefore - performance.now() : 0;
      if (pauseMs <= 0) return await limit.race(this.#connect());
      if (this.#lastError !== undefined && pauseMs >= limit.remainingMs) throw this.#lastError;
      await this.#pause(pauseMs, limit);
    }
  }

  /** The current connection takes no more commands; the next one is made when it is needed, without a pause before. */
  renew(): void {
    this.#current?.retire();
    this.#notBefore = 0;
  }

  /** The peer opened no more sessions than these. Commands that were given up may hold some: later it may be more again. */
  narrow(sessions: number): void {
    this.slots.capacity = sessions;
    clearTimeout(this.#widening);
    this.#widening = setTimeout(() => this.#widen(), this.options.narrowMs);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#widening);
    await Promise.allSettled([this.#attempt, ...[...this.#connections].map((connection) => connection.close())]);
  }

  #connect(): Promise<Connection> {
    if (this.#attempt === undefined) {
      this.#attempt = this.#open().finally(() => {
        this.#attempt = undefined;
      });
      for (const wake of this.#waiting) wake();
    }
    return this.#attempt;
  }

  /**
   * Until it is time, or somebody else's attempt has begun. Each one that fails begins a pause of its own: who went by the
   * clock alone would find a new one whenever the old one is over.
   */
  #pause(ms: number, limit: CallLimit): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        leave();
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
      const leave = limit.onReached((error) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        reject(error);
      });
    });
  }

  async #open(): Promise<Connection> {
    const { target, options } = this;
    try {
      const open = await openClient(target, options, this.#closing.signal);
      const connection = new Connection(target, open, (broken) => this.#forget(broken));
      this.#failures = 0;
      this.#lastError = undefined;
      this.#notBefore = 0;
      this.#widen();
      this.#connections.add(connection);
      this.#current = connection;
      options.log?.("ssh connected", { host: target.host, port: target.port, user: target.user });
      return connection;
    } catch (cause) {
      const error = connectFailure(target, cause, options.readyTimeoutMs);
      const waitMs = Math.min(options.backoff.firstMs * 2 ** this.#failures, options.backoff.maxMs);
      this.#failures = Math.min(this.#failures + 1, 30);
      this.#lastError = error;
      this.#notBefore = performance.now() + waitMs;
      options.log?.("ssh connection failed", { host: target.host, port: target.port, reason: error.reason });
      throw error;
    }
  }

  #widen(): void {
    clearTimeout(this.#widening);
    this.slots.capacity = this.options.maxChannels;
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#current === connection) this.#current = undefined;
    this.options.log?.("ssh connection ended", { host: this.target.host, port: this.target.port });
  }
}
