/** Webhooks over a store of their own, with everything real but the times. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FactEvent, WebhookChanged } from "../../../lib/events/event.ts";
import { recordFact } from "../../../lib/events/facts.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import { post } from "../../../lib/webhook/post.ts";
import type { Delivery } from "../../../lib/webhook/webhook.ts";
import { Webhooks, type WebhooksOptions } from "../../../lib/webhook/webhooks.ts";

export const AT = "2026-01-31T12:00:00.000+00:00";

export const JOB: SwapJob = {
  job_id: "job-1",
  slot: "main",
  nodes: ["spark-1", "spark-2"],
  model: "qwen",
  model_name: "Qwen",
  previous_model: null,
  state: "planned",
  phase: "planned",
  leg: "forward",
  progress: 0,
  eta_seconds: 100,
  reason: null,
  failure: null,
  rollback: true,
  rolled_back_to: null,
  rollback_failure: null,
  generation: 7,
  requested_by: "nightly",
  created_at: AT,
  updated_at: AT,
  ended_at: null,
  phases: [],
};

export const swapFact = (change: Partial<SwapJob> = {}): FactEvent => ({
  type: "swap.changed",
  at: AT,
  job: { ...JOB, ...change },
});
export const ended = (state: SwapJob["state"], change: Partial<SwapJob> = {}): FactEvent =>
  swapFact({ state, phase: state, ended_at: AT, ...change });
export const nodeFact = (node: string, reachable: boolean): FactEvent => ({
  type: "node.changed",
  at: AT,
  node,
  reachable,
});

export interface BenchOptions extends Partial<WebhooksOptions> {
  readonly deadlineMs?: number;
  readonly dataDir?: string;
}

export class Bench implements AsyncDisposable {
  readonly dataDir: string;
  readonly store: Store;
  readonly webhooks: Webhooks;
  readonly changes: WebhookChanged[] = [];
  readonly deliveries: Delivery[] = [];
  readonly failures: unknown[] = [];
  ownPort: number | null = null;
  /** Added to the clock, in milliseconds. */
  ahead = 0;

  constructor({ deadlineMs = 2_000, dataDir, ...options }: BenchOptions = {}) {
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), "spark-hooks-"));
    this.store = openStore(this.dataDir);
    this.webhooks = new Webhooks({
      db: this.store.facts,
      env: {},
      version: "1.2.3",
      simulated: false,
      ownPort: () => this.ownPort,
      send: (request, signal) => post(request, { deadlineMs, ownPort: this.ownPort }, signal),
      retryDelaysMs: [20, 20, 20],
      now: () => Date.now() + this.ahead,
      random: Math.random,
      onChange: (event) => this.changes.push(event),
      onDelivery: (delivery) => this.deliveries.push(delivery),
      report: (error) => this.failures.push(error),
      ...options,
    });
    this.webhooks.start();
  }

  /** As the nouns do it: the fact and what hangs on it in one transaction. */
  record(...events: FactEvent[]): void {
    for (const event of events) this.store.transaction(() => recordFact(this.store.facts, event));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.webhooks.close();
    this.store.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
