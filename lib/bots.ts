/** Updates of bots, put together: their jobs on the Sparks, as the bots' own users. */
import type { Database } from "bun:sqlite";
import { type Bot, BotUpdates, type UpdateJob } from "./bot/bot-updates.ts";
import { UpdateRecords } from "./bot/update-records.ts";
import type { EventBus } from "./events/bus.ts";
import type { ServiceActed } from "./events/event.ts";
import { isoTime } from "./ids.ts";
import type { ServiceBoard } from "./service/service-board.ts";
import { onNode, targetOf } from "./spark/spark-ssh.ts";
import type { Sparks } from "./sparks.ts";
import { FencedError } from "./ssh/errors.ts";
import { pause } from "./swap/run.ts";
import { type Topology, usableNode } from "./topology/topology.ts";

const DEADLINE_MS = 20_000;
const BYTES_A_READ = 256 * 1024;

export interface BotsMeans {
  readonly db: Database;
  readonly events: EventBus;
  readonly services: ServiceBoard;
  readonly jobs: Sparks["jobs"];
  readonly takeOver: Sparks["takeOver"];
  readonly instance: string;
  topology(): Topology;
  highestGeneration(): number;
  record(event: ServiceActed): void;
  report(error: unknown): void;
}

export function createBots({ db, events, services, jobs, takeOver, instance, ...means }: BotsMeans): BotUpdates {
  const { topology, highestGeneration, record, report } = means;
  const now = () => isoTime(Date.now());
  const call = (signal: AbortSignal) => ({ deadlineMs: DEADLINE_MS, signal });

  /**
   * The job folder of a login has the fence of the swaps. A bot's own login has it for itself: whoever asks for an update
   * there has it. That of the Sparks' own login belongs to whoever swaps there, and is not taken.
   */
  async function begin({ node }: Bot, job: UpdateJob, signal: AbortSignal): Promise<void> {
    const owner = usableNode(topology(), node.name);
    let generation = highestGeneration();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await onNode(node, async () => {
          try {
            await jobs.start(targetOf(node), { ...job, generation, instance, env: {} }, call(signal));
          } catch (error) {
            if (!(error instanceof FencedError) || attempt > 2) throw error;
            if (error.fence.by === "generation") generation = error.fence.highest;
            else if (node.user === owner?.user) throw error;
            else await takeOver(node, error.fence.instance, signal);
            throw new Again();
          }
        });
        break;
      } catch (error) {
        if (!(error instanceof Again)) throw error;
      }
    }
  }

  return new BotUpdates({
    records: new UpdateRecords(db),
    topology,
    begin,
    read: ({ node }, id, offset, signal) =>
      onNode(node, () => jobs.read(targetOf(node), id, { offset, maxBytes: BYTES_A_READ, ...call(signal) })),
    kill: ({ node }, id, signal) => onNode(node, () => jobs.kill(targetOf(node), id, call(signal))),
    now,
    pause,
    onChange(update) {
      const { service, state, by, started_at: since } = update;
      // While its container is made anew nothing of it is a failure.
      services.setOperation(service, state === "running" ? { action: "update", since, by } : null);
      events.publish({ type: "bot.updating", at: now(), update });
    },
    onEnd({ service, by, state, reason }) {
      const node = topology().services.find(({ name }) => name === service)?.node ?? null;
      const failure = state === "succeeded" ? null : (reason ?? state);
      record({ type: "service.acted", at: now(), service, node, action: "update", by, failure });
      services.alter(service, (before) =>
        state === "succeeded" ? { ...before, stopped: null, givenUp: null } : before,
      );
      services.look(service).catch(report);
    },
    report,
  });
}

/** The fence was brought in order: once more. */
class Again extends Error {}
