/** What a vLLM says of itself at `/metrics` (Prometheus text format). It lags what was sent to it by 3 to 18 s. */
import type { HttpAnswer } from "./cluster.ts";

export interface RequestsInFlight {
  readonly running: number;
  readonly waiting: number;
}

/** `vllm:num_requests_running` and `…_waiting`, summed over label sets; null when it gave no such figures. */
export function requestsInFlight({ status, body }: HttpAnswer): RequestsInFlight | null {
  if (status !== 200 || typeof body !== "string") return null;
  const running = sumOf(body, "vllm:num_requests_running");
  return running === null ? null : { running, waiting: sumOf(body, "vllm:num_requests_waiting") ?? 0 };
}

/** It answers and tells nothing of its requests, as with `--disable-log-stats`: whether any run is not known. */
export function isMute(answer: HttpAnswer): boolean {
  const { status } = answer;
  return status !== null && status < SERVER_ERROR && requestsInFlight(answer) === null;
}

const SERVER_ERROR = 500;

/** Null: no line of that name. */
function sumOf(text: string, name: string): number | null {
  let sum: number | null = null;
  for (const line of text.split("\n"))
    if (line.startsWith(name) && /[ {]/.test(line[name.length] ?? ""))
      sum = (sum ?? 0) + (Number(line.slice(line.lastIndexOf(" ") + 1)) || 0);
  return sum;
}
