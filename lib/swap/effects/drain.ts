/**
 * Requests in flight finish first. Two counts must be zero: the gateway's own, which is exact and which takes no more once the
 * swap drains, and `num_requests_running + num_requests_waiting` of the vLLM behind the slot's own port, for those who ask it
 * directly. That one lags by seconds, so it must be zero twice. The wait is bounded; what is left then is told in the log.
 */
import type { EffectBody, Run } from "../run.ts";
import { nodesOf, pause } from "../run.ts";
import { requestsInFlight } from "../vllm-metrics.ts";

const QUIET_READINGS = 2;
const BETWEEN_READINGS_MS = 500;
const DRAIN_LIMIT_MS = 60_000;

export const drain: EffectBody = async (run, leg, signal) => {
  const deadline = Date.now() + DRAIN_LIMIT_MS;
  let quiet = 0;
  while (quiet < QUIET_READINGS) {
    const said = await requestsRunning(run, leg, signal);
    const own = run.inFlight(run.order.slot.name);
    if (said === null && own === 0) break; // Nothing answers there: nothing can be cut off.
    const running = Math.max(said ?? 0, own);
    quiet = running === 0 ? quiet + 1 : 0;
    if (running > 0 && Date.now() > deadline) {
      run.log(`${running} requests are still running after ${DRAIN_LIMIT_MS / 1000} s; they are cut off.`);
      break;
    }
    if (quiet < QUIET_READINGS) await pause(BETWEEN_READINGS_MS, signal);
  }
  return { type: "drained" };
};

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
