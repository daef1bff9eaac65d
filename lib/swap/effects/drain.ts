/**
 * Requests in flight finish first. Two counts must be zero: the gateway's own, which is exact and which takes no more once the
 * swap drains, and `num_requests_running + num_requests_waiting` of the vLLM behind the slot's own port, for those who ask it
 * directly. That one lags by seconds: it must be zero twice, in readings that were begun after the gateway's own count was zero.
 * A longer wait would show no more: what comes to the vLLM directly in the last seconds before its stop is behind every reading.
 * Where a model was loaded, figures that do not come once say nothing; those that came before count until others come, or nothing
 * listens there any more. The wait is bounded. What is left then is never cut off silently: the swap asks, fails, or cuts off, as
 * configured and as its plan said. A slot whose model is stopped to make room counts too; the gateway goes on sending to that one,
 * so that the question may come where it is never quiet.
 */
import { Fault } from "../../fault.ts";
import { isoTime } from "../../ids.ts";
import { type Node, type Slot, usableNode } from "../../topology/topology.ts";
import { conflicts } from "../conflicts.ts";
import { type DrainTerms, drainTerms } from "../drain-desk.ts";
import { footprint } from "../facts.ts";
import type { EffectBody, Run } from "../run.ts";
import { nodesOf, pause } from "../run.ts";
import { requestsInFlight } from "../vllm-metrics.ts";

const QUIET_READINGS = 2;
const BETWEEN_READINGS_MS = 500;

export const drain: EffectBody = async (run, leg, signal) => {
  const began = Date.now();
  const terms = drainTerms(run.order, run.settings());
  const { drainDesk: desk } = run;
  const waited = () => Math.round((Date.now() - began) / 1000);
  let until = began + terms.seconds * 1000;
  let asks = false;
  let quiet = 0;
  let silent = 0;
  const isOver = () => quiet >= QUIET_READINGS || silent >= QUIET_READINGS;
  desk.take();
  const places = [{ slot: run.order.slot, head: nodesOf(run, leg)[0] }, ...besideIt(run)];
  const last: LastFigures = new Map();
  try {
    while (!isOver()) {
      const asked = await Promise.all(places.map((place) => runningIn(run, place, last, signal)));
      const counts = asked.filter((count) => count !== null);
      const isUnknown = places.some(({ slot }, at) => asked[at] === null && isBelieved(run, slot));
      if (counts.length === 0 && !isUnknown) break; // Nothing was loaded there: nothing can be cut off.
      const running = counts.reduce((sum, count) => sum + count.requests, 0);
      // One answer that did not come says nothing: its vLLM may be too busy for it.
      if (running > 0) quiet = silent = 0;
      else if (isUnknown) silent++;
      else {
        quiet++;
        silent = 0;
      }
      const answer = desk.take();
      if (running > 0 && answer === "cut_off") {
        run.log(`${requests(running)} after ${waited()} s; cut off, as was asked for.`);
        break;
      }
      if (answer === "keep_waiting") {
        run.log(`${requests(running)} after ${waited()} s; waits on, as was asked for.`);
        until = Date.now() + terms.seconds * 1000;
        asks = false;
      }
      if (running > 0 && Date.now() >= until) {
        if (asks || terms.on_timeout === "fail") throw stillRunning(counts, waited(), asks);
        if (terms.on_timeout === "cut_off") {
          run.log(`${requests(running)} after ${waited()} s; cut off.`);
          break;
        }
        run.log(`${requests(running)} after ${waited()} s. Keep waiting, or cut them off?`);
        asks = true;
        until = Date.now() + run.timing.drainAskMs;
      }
      desk.shown = shown(terms, { remaining: running, until, asks, waited_seconds: waited() });
      if (!isOver()) await pause(BETWEEN_READINGS_MS, signal);
    }
  } finally {
    desk.shown = null;
  }
  return { type: "drained" };
};

const requests = (count: number) => `${count} ${count === 1 ? "request is" : "requests are"} still running`;

const shown = (
  { on_timeout }: DrainTerms,
  now: { remaining: number; until: number; asks: boolean; waited_seconds: number },
) => ({
  ...now,
  on_timeout,
  until: isoTime(now.until),
});

function stillRunning(counts: readonly Count[], seconds: number, asked: boolean): Fault {
  const running = counts.reduce((sum, count) => sum + count.requests, 0);
  const nobody = asked ? " Nobody said whether to cut them off." : "";
  return new Fault(
    "timeout",
    "drain_timeout",
    `${requests(running)} after ${seconds} s.${nobody} Nothing was stopped.`,
    {
      evidence: counts.map(({ told }) => told).join("; "),
      advice: "Swap again once they are done, or let the swap cut them off.",
    },
  );
}

const isBelieved = (run: Run, { name }: Slot) => run.beliefs().some(({ slot }) => slot === name);

interface Emptied {
  readonly slot: Slot;
  readonly head: Node;
}

/** Other slots whose model is stopped to make room. */
function besideIt(run: Run): Emptied[] {
  const topology = run.topology();
  const wanted = footprint(run.order.model, run.order.slot);
  return run.beliefs().flatMap((belief) => {
    const slot = topology.slots.find(({ name }) => name === belief.slot && name !== run.order.slot.name);
    const head = belief.nodes[0] === undefined ? undefined : usableNode(topology, belief.nodes[0]);
    return slot && head && conflicts(wanted, footprint(belief.model, slot)) ? [{ slot, head }] : [];
  });
}

interface Count {
  readonly requests: number;
  /** What was counted, and where. */
  readonly told: string;
}

/** What each slot's vLLM told last: one that is too busy to answer goes on with that. */
type LastFigures = Map<string, number>;

/** Requests that a slot's vLLM works on, by whichever count is higher; null: nothing answers, and none are in flight. */
async function runningIn(
  run: Run,
  { slot, head }: Emptied,
  last: LastFigures,
  signal: AbortSignal,
): Promise<Count | null> {
  const address = await run.control.address(head, signal);
  const before = run.inFlight(slot.name);
  const answer = await run.control.get(`http://${address}:${slot.port}/metrics`, run.timing.httpDeadlineMs, signal);
  const said = requestsInFlight(answer);
  const own = Math.max(before, run.inFlight(slot.name));
  if (said) last.set(slot.name, said.running + said.waiting);
  else if (answer.isRefused) last.delete(slot.name);
  const told = last.get(slot.name) ?? 0;
  if (said === null && own === 0 && told === 0) return null;
  const earlier = told > 0 ? ` (${told} before)` : "";
  const metrics = said ? `tells ${said.running} running, ${said.waiting} waiting` : `gave no answer${earlier}`;
  return {
    requests: Math.max(told, own),
    told: `${slot.name}, ${head.name}: /metrics on port ${slot.port} ${metrics}; ${own} through the gateway`,
  };
}
