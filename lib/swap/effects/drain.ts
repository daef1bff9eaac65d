/**
 * Requests in flight finish first. Two counts must be zero: the gateway's own, which is exact and which takes no more once the
 * swap drains, and `num_requests_running + num_requests_waiting` of the vLLM behind the slot's own port, for those who ask it
 * directly. That one lags by seconds: it must be zero twice, in readings that were begun after the gateway's own count was zero.
 * A longer wait would show no more: what comes to the vLLM directly in the last seconds before its stop is behind every reading.
 * Where a model was loaded, figures that do not come once say nothing; those that came before count until others come, or nothing
 * listens there any more. A vLLM that answers and has no such figures may work on anything: it is never taken for idle. The wait is bounded. What is left then is never cut off silently: the swap asks, fails, or cuts off, as
 * configured and as its plan said. A slot whose model is stopped to make room counts too; the gateway goes on sending to that one,
 * so that the question may come where it is never quiet.
 */
import { Fault } from "../../fault.ts";
import { isoTime } from "../../ids.ts";
import { type Node, type Slot, usableNode } from "../../topology/topology.ts";
import type { HttpAnswer } from "../cluster.ts";
import { conflicts } from "../conflicts.ts";
import { type DrainTerms, drainTerms } from "../drain-desk.ts";
import { footprint } from "../facts.ts";
import type { EffectBody, Run } from "../run.ts";
import { nodesOf, pause } from "../run.ts";
import { isMute, requestsInFlight } from "../vllm-metrics.ts";

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
      const readings = await Promise.all(places.map((place) => readingOf(run, place, signal)));
      // All places' own counts at once: a slot that makes room has gone on being asked while another one's vLLM was slow to tell.
      const asked = places.map((place, at) => runningIn(run, place, readings[at]!, last));
      const counts = asked.filter((count) => count !== null);
      const isUnknown = places.some(({ slot }, at) => asked[at] === null && isBelieved(run, slot));
      if (counts.length === 0 && !isUnknown) break; // Nothing was loaded there: nothing can be cut off.
      const running = sum(counts);
      // One answer that did not come says nothing: its vLLM may be too busy for it.
      const isUntold = counts.some((count) => count.isMute);
      const isBusy = running > 0 || isUntold;
      if (isBusy) quiet = silent = 0;
      else if (isUnknown) silent++;
      else {
        quiet++;
        silent = 0;
      }
      const answer = desk.take();
      if (isBusy && answer === "cut_off") {
        run.log(`${still(counts)} after ${waited()} s; cut off, as was asked for.`);
        break;
      }
      if (answer === "keep_waiting") {
        run.log(`${still(counts)} after ${waited()} s; waits on, as was asked for.`);
        until = Date.now() + terms.seconds * 1000;
        asks = false;
      }
      if (isBusy && Date.now() >= until) {
        if (asks || terms.on_timeout === "fail") throw stillRunning(counts, waited(), asks);
        if (terms.on_timeout === "cut_off") {
          run.log(`${still(counts)} after ${waited()} s; cut off.`);
          break;
        }
        run.log(`${still(counts)} after ${waited()} s. Keep waiting, or cut them off?`);
        asks = true;
        until = Date.now() + run.timing.drainAskMs;
      }
      desk.shown = shown(terms, {
        remaining: running,
        figures_missing: isUntold,
        until,
        asks,
        waited_seconds: waited(),
      });
      if (!isOver()) await pause(BETWEEN_READINGS_MS, signal);
    }
  } finally {
    desk.shown = null;
  }
  return { type: "drained" };
};

const sum = (counts: readonly Count[]) => counts.reduce((all, { requests }) => all + requests, 0);

function still(counts: readonly Count[]): string {
  const count = sum(counts);
  if (count === 0) return "Whether requests are still running is not known";
  const others = counts.some((each) => each.isMute) ? ", perhaps others too," : "";
  return `${count} ${count === 1 ? "request is" : "requests are"} still running${others}`;
}

const shown = (
  { on_timeout }: DrainTerms,
  now: { remaining: number; figures_missing: boolean; until: number; asks: boolean; waited_seconds: number },
) => ({
  ...now,
  on_timeout,
  until: isoTime(now.until),
});

function stillRunning(counts: readonly Count[], seconds: number, asked: boolean): Fault {
  const nobody = asked ? " Nobody said whether to cut them off." : "";
  return new Fault("timeout", "drain_timeout", `${still(counts)} after ${seconds} s.${nobody} Nothing was stopped.`, {
    evidence: counts.map(({ told }) => told).join("; "),
    advice: "Swap again once they are done, or let the swap cut them off.",
  });
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
  /** Its vLLM answers and gives no figures: there may be more. */
  readonly isMute: boolean;
  /** What was counted, and where. */
  readonly told: string;
}

/** What each slot's vLLM told last: one that is too busy to answer goes on with that. */
type LastFigures = Map<string, number>;

interface Reading {
  readonly answer: HttpAnswer;
  /** Through the gateway, when it was begun. */
  readonly before: number;
}

async function readingOf(run: Run, { slot, head }: Emptied, signal: AbortSignal): Promise<Reading> {
  const address = await run.control.address(head, signal);
  const before = run.inFlight(slot.name);
  const url = `http://${address}:${slot.port}/metrics`;
  return { before, answer: await run.control.get(url, run.timing.httpDeadlineMs, signal) };
}

/** Requests that a slot's vLLM works on, by whichever count is higher; null: nothing answers, and none are in flight. */
function runningIn(run: Run, { slot, head }: Emptied, { answer, before }: Reading, last: LastFigures): Count | null {
  const said = requestsInFlight(answer);
  const own = Math.max(before, run.inFlight(slot.name));
  if (said) last.set(slot.name, said.running + said.waiting);
  else if (answer.isRefused) last.delete(slot.name);
  const told = last.get(slot.name) ?? 0;
  // What answers where nothing was loaded is not for this swap to wait for.
  const isMuteHere = isMute(answer) && isBelieved(run, slot);
  if (said === null && own === 0 && told === 0 && !isMuteHere) return null;
  const earlier = told > 0 ? ` (${told} before)` : "";
  const nothing = isMute(answer) ? "has no figures of requests" : "gave no answer";
  const metrics = said ? `tells ${said.running} running, ${said.waiting} waiting` : `${nothing}${earlier}`;
  return {
    requests: Math.max(told, own),
    isMute: isMuteHere,
    told: `${slot.name}, ${head.name}: /metrics on port ${slot.port} ${metrics}; ${own} through the gateway`,
  };
}
