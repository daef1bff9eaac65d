/**
 * Requests in flight finish first. Two counts must be zero: the gateway's own, which is exact and which takes no more once the
 * swap drains, and `num_requests_running + num_requests_waiting` of the vLLM behind the slot's own port, for those who ask it
 * directly. That one lags by seconds, so it must be zero twice. The wait is bounded. What is left then is never cut off
 * silently: the swap asks, fails, or cuts off, as configured and as its plan said.
 */
import { Fault } from "../../fault.ts";
import { isoTime } from "../../ids.ts";
import { type DrainTerms, drainTerms } from "../drain-desk.ts";
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
  desk.take();
  try {
    while (quiet < QUIET_READINGS) {
      const said = await requestsRunning(run, leg, signal);
      const own = run.inFlight(run.order.slot.name);
      if (said === null && own === 0) break; // Nothing answers there: nothing can be cut off.
      const running = Math.max(said ?? 0, own);
      quiet = running === 0 ? quiet + 1 : 0;
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
        if (asks || terms.on_timeout === "fail") throw stillRunning(running, waited(), asks);
        if (terms.on_timeout === "cut_off") {
          run.log(`${requests(running)} after ${waited()} s; cut off.`);
          break;
        }
        run.log(`${requests(running)} after ${waited()} s. Keep waiting, or cut them off?`);
        asks = true;
        until = Date.now() + run.timing.drainAskMs;
      }
      desk.shown = shown(terms, { remaining: running, until, asks, waited_seconds: waited() });
      if (quiet < QUIET_READINGS) await pause(BETWEEN_READINGS_MS, signal);
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

function stillRunning(running: number, seconds: number, asked: boolean): Fault {
  const nobody = asked ? " Nobody said whether to cut them off." : "";
  return new Fault(
    "timeout",
    "drain_timeout",
    `${requests(running)} after ${seconds} s.${nobody} Nothing was stopped.`,
    { advice: "Swap again once they are done, or let the swap cut them off." },
  );
}

async function requestsRunning(run: Run, leg: "forward" | "rollback", signal: AbortSignal): Promise<number | null> {
  const [head] = nodesOf(run, leg);
  const address = await run.control.address(head, signal);
  const answer = await run.control.get(
    `http://${address}:${run.order.slot.port}/metrics`,
    run.timing.httpDeadlineMs,
    signal,
  );
  const inFlight = requestsInFlight(answer);
  return inFlight && inFlight.running + inFlight.waiting;
}
