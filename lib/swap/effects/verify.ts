/**
 * Loaded means that it answers: `/health`, `/v1/models`, and a chat of one token. What does not answer is looked at on its Sparks,
 * and one that has ended meanwhile is not waited for.
 */
import { Fault } from "../../fault.ts";
import type { HttpAnswer } from "../cluster.ts";
import { type Gone, whatIsGone } from "../death.ts";
import { failureOf } from "../facts.ts";
import { beside, explainLog, failure } from "../failure.ts";
import { LastLines } from "../last-lines.ts";
import { LoadClock, NOT_WATCHED } from "../load-clock.ts";
import { endOfLoad, type LoadEnd } from "../load-end.ts";
import type { Leg } from "../machine.ts";
import { type LogSegment, RemoteLog } from "../remote-log.ts";
import type { EffectBody, Run } from "../run.ts";
import { attempt, mustStillObey, nodesOf, pause } from "../run.ts";
import { servedName, servesModel } from "../served.ts";
import type { Failure } from "../swap.ts";

const CHAT_DEADLINE_MS = 60_000;
const BETWEEN_TRIES_MS = 500;

export const verify: EffectBody = async (run, leg, signal) => {
  const { verifyDeadlineMs, contactDeadlineMs } = run.timing;
  const clock = new LoadClock(NOT_WATCHED);
  const words = new Words(run, leg);
  let missing = 0;
  let killedOn: string | null = null;
  /** Null: it may still get ready. */
  let verdict: Failure | null = null;
  while (true) {
    try {
      const left = await whatIsLeft(run, leg, signal);
      if (left === null) return { type: "verified" };
      const isLate = clock.tick().watchedMs > verifyDeadlineMs;
      const gone = await look(run, leg, signal);
      // Twice in a row: a process list may be read in the instant between two processes.
      missing = gone === null ? 0 : missing + 1;
      // Its container may be gone at the next look, and what docker knows of it.
      killedOn = gone && (killedOn ?? gone.killedOn);
      verdict = null;
      if (missing > 1 || (isLate && gone === null)) {
        const seen = { dead: gone?.line ?? null, killedOn, left };
        verdict = words.unread(seen);
        return { type: "failed", failure: await words.explain(seen, signal) };
      }
      clock.heard();
      run.waitsFor(null);
      await pause(BETWEEN_TRIES_MS, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault) || error.code === "fenced") throw error;
      // A Spark that restarts is silent first, and tells afterwards that it has.
      const reason = failureOf(error);
      if (clock.tick().quietMs > contactDeadlineMs)
        return { type: "failed", failure: verdict ? beside(verdict, reason) : reason };
      run.waitsFor(reason);
      run.log(`${reason.message} Looking again.`);
      await pause(run.timing.followMs * 5, signal);
    }
  }
};

/** What it does not answer yet; null: it answers. @throws Fault when its address is not known */
async function whatIsLeft(run: Run, leg: Leg, signal: AbortSignal): Promise<string | null> {
  const { model } = attempt(run, leg);
  const [head] = nodesOf(run, leg);
  const base = `http://${await run.control.address(head, signal)}:${run.order.slot.port}`;
  const health = await run.control.get(`${base}/health`, run.timing.httpDeadlineMs, signal);
  const models = await run.control.get(`${base}/v1/models`, run.timing.httpDeadlineMs, signal);
  if (health.status !== 200) return `/health: ${said(health)}`;
  if (!servesModel(models, model)) return `/v1/models does not list ${servedName(model)}: ${said(models)}`;
  const body = { model: servedName(model), messages: [{ role: "user", content: "hi" }], max_tokens: 1 };
  const chat = await run.control.post(`${base}/v1/chat/completions`, body, CHAT_DEADLINE_MS, signal);
  // 4xx: this model does not chat (an embedding model, no chat template). The engine answered; that is what counts.
  if (chat.status !== null && chat.status < 500) return null;
  if (chat.status === null) run.log(`The test chat got no answer; asking again.`);
  return `/v1/chat/completions: ${said(chat)}`;
}

/** @throws Fault `fenced`: what runs there by now is another controller's */
async function look(run: Run, leg: Leg, signal: AbortSignal): Promise<Gone | null> {
  const { slot } = run.order;
  const nodes = nodesOf(run, leg);
  await mustStillObey(run, nodes, signal);
  const views = await Promise.all(
    nodes.map(async (node) => ({ node: node.name, view: await run.control.look(node, slot, signal) })),
  );
  return whatIsGone(slot.container, views);
}

interface Seen extends Pick<LoadEnd, "dead" | "killedOn"> {
  /** What it did not answer. */
  readonly left: string;
}

/** What its logs tell. They are read only when that is asked; where a reading fails, the next one goes on. */
class Words {
  /** What was read of them up to its first answer; empty after a restart of the controller. */
  readonly #before: readonly string[];
  /** What was written since. */
  readonly #since = new LastLines();
  #log: RemoteLog | null = null;

  constructor(
    private readonly run: Run,
    private readonly leg: Leg,
  ) {
    this.#before = run.tail();
  }

  /** What can be said without them. */
  unread(seen: Seen): Failure {
    const unknown = { launcher: { state: "running", exitCode: null }, rebooted: null } as const;
    return this.#verdict(seen, unknown, this.#before);
  }

  /** From the whole of them: what was written since its first answer may have been read already, by an earlier controller too. */
  async explain(seen: Seen, signal: AbortSignal): Promise<Failure> {
    const { run, leg } = this;
    this.#log ??= new RemoteLog(run.control, nodesOf(run, leg), attempt(run, leg).launchId, run.beginReading());
    const take = (line: LogSegment) => {
      if (run.logRemote(line)) this.#since.add(line);
    };
    const ends = await this.#log.readToEnd(take, run.timing, signal);
    return this.#verdict(seen, ends, run.tail());
  }

  #verdict({ left, ...seen }: Seen, ends: Pick<LoadEnd, "launcher" | "rebooted">, lines: readonly string[]): Failure {
    const ended = endOfLoad(this.run.order.slot.container, { ...ends, ...seen, lines });
    if (ended) return ended;
    const advice = "Read the log; swap again.";
    const silent = failure("not_answering", "The model was loaded, but does not answer a chat.", left, advice);
    const known = explainLog(this.#since.all());
    return known ? beside(known, silent) : silent;
  }
}

function said(answer: HttpAnswer): string {
  if (answer.status === null) return "no answer";
  return `HTTP ${answer.status} ${typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)}`.slice(
    0,
    300,
  );
}
