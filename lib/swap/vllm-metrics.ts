/** What a vLLM says of itself at `/metrics` (Prometheus text format). It lags what was sent to it by 3 to 18 s. */
import type { HttpAnswer } from "./cluster.ts";

export interface RequestsInFlight {
  readonly running: number;
  readonly waiting: number;
}

/** `vllm:num_requests_running` and `…_waiting`, summed over label sets; null when it gave no such answer. */
export function requestsInFlight({ status, body }: HttpAnswer): RequestsInFlight | null {
  if (status !== 200 || typeof body !== "string") return null;
  return { running: sumOf(body, "vllm:num_requests_running"), waiting: sumOf(body, "vllm:num_requests_waiting") };
}

function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split("\n"))
    if (line.startsWith(name) && /[ {]/.test(line[name.length] ?? ""))
      sum += Number(line.slice(line.lastIndexOf(" ") + 1)) || 0;
  return sum;
}
