/** Sixteen clients that ask the lock for everything at random, and write down what they were told. */
import type { Call, Op, Outcome, Seen } from "./_history.ts";

export const CLIENTS = 16;
const REFUSED = new Set(["ConnectionRefused", "ECONNREFUSED"]);
/** An acquire is refused for these only while nothing is held. */
const ONLY_WHILE_FREE = new Set(["swap_running", "others_first", "request_spent"]);
const AGAIN_AFTER_MS = 5;

interface Lock {
  readonly holder: string;
  readonly generation: number;
  readonly expires_at: string;
}

interface Body extends Partial<Lock> {
  readonly held?: boolean;
  readonly token?: string;
  readonly code?: string;
  readonly lock?: Lock | null;
}

interface Holding {
  readonly name: string;
  readonly token: string;
  readonly generation: number;
}

export interface Playground {
  /** Changes at each restart. */
  url(): string;
  readonly random: () => number;
  /** When it aborts, everyone stops after the call under way. */
  readonly over: AbortSignal;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string | undefined;
}

export async function playClients(ground: Playground): Promise<Op[]> {
  const history: Op[] = [];
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => new Client(index, ground, history).play()));
  return history;
}

class Client {
  #holding: Holding | null = null;
  /** Tokens of what has ended: a stale holder shows them. */
  #stale: Holding | null = null;
  /** An acquire whose answer was lost: it is sent again. */
  #unanswered: { readonly name: string; readonly requestId: string; readonly ttlMs: number } | null = null;
  #grants = 0;

  constructor(
    private readonly index: number,
    private readonly ground: Playground,
    private readonly history: Op[],
  ) {}

  async play(): Promise<void> {
    while (!this.ground.over.aborted) {
      await this.#turn();
      await Bun.sleep(this.#upTo(6));
    }
  }

  #upTo(most: number): number {
    return Math.floor(this.ground.random() * most);
  }

  async #turn(): Promise<void> {
    if (this.#unanswered && this.#upTo(2) === 0) return this.#acquire(this.#unanswered, 0);
    const dice = this.#upTo(20);
    if (this.#holding) {
      if (dice < 9) return this.#release(this.#holding);
      if (dice < 12) return this.#renew(this.#holding);
      if (dice < 17) return this.#swap(this.#holding);
      return this.#get();
    }
    if (dice < 8) {
      const name = `client ${this.index}, grant ${++this.#grants}`;
      const ttlMs = this.#upTo(8) === 0 ? 1_000 : 60_000;
      return this.#acquire({ name, requestId: crypto.randomUUID(), ttlMs }, this.#upTo(3) === 0 ? 1 : 0);
    }
    if (dice < 13) return this.#swap(null);
    if (dice < 15 && this.#stale) return this.#swap(this.#stale);
    if (dice < 16 && this.#stale) return this.#release(this.#stale);
    if (dice < 17) return this.#force();
    return this.#get();
  }

  async #acquire(asked: { name: string; requestId: string; ttlMs: number }, waitSeconds: number): Promise<void> {
    const { name, requestId, ttlMs } = asked;
    const answer = await this.#send(
      { do: "acquire", name, ttlMs },
      {
        method: "POST",
        path: `/api/swap/lock${waitSeconds > 0 ? `?wait=${waitSeconds}` : ""}`,
        body: { holder: name, ttl_seconds: ttlMs / 1000, request_id: requestId, allow_running_swap: this.#upTo(4) > 0 },
      },
      (status, body) => {
        if (status === 200) return { is: "granted", seen: seenIn(body as Lock) };
        return ONLY_WHILE_FREE.has(body.code ?? "") ? { is: "free" } : refusal(body);
      },
    );
    if (answer === "refused") return;
    this.#unanswered = answer === null ? asked : null;
    if (answer?.status !== 200) return;
    this.#holding = { name, token: answer.body.token!, generation: answer.body.generation! };
  }

  async #renew(holding: Holding): Promise<void> {
    const ttlMs = this.#upTo(6) === 0 ? 1_000 : 60_000;
    const body = { holder: holding.name, ttl_seconds: ttlMs / 1000 };
    const answer = await this.#send(
      { do: "renew", name: holding.name, ttlMs },
      { method: "POST", path: "/api/swap/lock", body, token: holding.token },
      (status, told) => {
        if (status === 200) return { is: "renewed", seen: seenIn(told as Lock) };
        return told.code === "reservation_lost" ? { is: "free" } : refusal(told);
      },
    );
    if (answer !== null && answer !== "refused" && answer.status !== 200) this.#lose();
  }

  async #release(holding: Holding): Promise<void> {
    const answer = await this.#send(
      { do: "release", name: holding.name },
      { method: "DELETE", path: "/api/swap/lock", token: holding.token },
      // A 200 does not say whether there was anything to release.
      (status, body) => (status === 200 ? { is: "freed" } : refusal(body)),
    );
    if (answer !== "refused" && holding === this.#holding) this.#lose();
  }

  async #force(): Promise<void> {
    await this.#send(
      { do: "force", name: null },
      { method: "DELETE", path: "/api/swap/lock?force=true" },
      (status, body) => (status === 200 ? { is: "freed" } : refusal(body)),
    );
  }

  async #swap(holding: Holding | null): Promise<void> {
    const answer = await this.#send(
      { do: "swap", name: holding?.name ?? null },
      { method: "POST", path: "/api/swap", body: { model: "small" }, token: holding?.token },
      (status, body) => {
        if (status === 202) return { is: "claimed", generation: body.generation! };
        if (body.code === "swap_running") return { is: "permitted" };
        return body.code === "reservation_lost" ? { is: "free" } : refusal(body);
      },
    );
    if (answer && answer !== "refused" && answer.status === 423 && holding === this.#holding) this.#lose();
  }

  async #get(): Promise<void> {
    await this.#send({ do: "get" }, { method: "GET", path: "/api/swap/lock" }, (_, body) =>
      body.held ? { is: "held", seen: seenIn(body as Lock) } : { is: "free" },
    );
  }

  #lose(): void {
    this.#stale = this.#holding ?? this.#stale;
    this.#holding = null;
  }

  /** @returns null when the answer was lost; `refused` when the call cannot have been received */
  async #send(call: Call, { method, path, body, token }: Sent, read: (status: number, body: Body) => Outcome) {
    const sentMs = Date.now();
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token !== undefined) headers["x-swap-lock-token"] = token;
    const init: RequestInit = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const lost = { client: this.index, call, sentMs, answeredMs: null, outcome: null };
    try {
      const answer = await fetch(this.ground.url() + path, { ...init, keepalive: false });
      const told = (await answer.json()) as Body;
      // Shutting down, line full, disk full: nothing was done.
      const outcome: Outcome =
        answer.status >= 500 ? { is: "other", code: told.code ?? "" } : read(answer.status, told);
      this.history.push({ ...lost, answeredMs: Date.now(), outcome });
      return { status: answer.status, body: told };
    } catch (error) {
      if (REFUSED.has((error as { code?: string }).code ?? "")) {
        await Bun.sleep(AGAIN_AFTER_MS);
        return "refused" as const;
      }
      this.history.push(lost);
      return null;
    }
  }
}

function seenIn({ holder, generation, expires_at }: Lock): Seen {
  return { name: holder, generation, expiresMs: Date.parse(expires_at) };
}

function refusal(body: Body): Outcome {
  return body.lock ? { is: "held", seen: seenIn(body.lock) } : { is: "other", code: body.code ?? "" };
}
