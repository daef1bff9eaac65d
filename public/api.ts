/** Calls of the HTTP API. */
import type { modelsOf, Status } from "../lib/status.ts";
import type { Plan, SwapJob } from "../lib/swap/swap.ts";

export type { Plan, Status, SwapJob };
export type Models = ReturnType<typeof modelsOf>;
export type Model = Models["models"][number];
export type Slot = Status["slots"][number];
export type SparkNode = Status["nodes"][number];
export type Problem = Status["problems"][number];

/** An answer that says no. The message is the problem document's `detail`: a sentence for a person. */
export class Refused extends Error {
  override readonly name = "Refused";
}

async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const init: RequestInit = { method, cache: "no-store" };
  if (body !== undefined) {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Refused("Spark Control cannot be reached. Nothing was changed.");
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  const detail = answer !== null && typeof answer === "object" && "detail" in answer ? answer.detail : null;
  throw new Refused(typeof detail === "string" ? detail : `Spark Control answered with status ${response.status}.`);
}

export const fetchStatus = () => call<Status>("GET", "/api/status");
export const fetchModels = () => call<Models>("GET", "/api/models");
export const fetchSwaps = (limit: number) => call<{ swaps: SwapJob[] }>("GET", `/api/swap?limit=${limit}`);
export const planSwap = (model: string, slot?: string) => call<Plan>("POST", "/api/swap/plan", { model, slot });
export const startSwap = (model: string, slot?: string) => call<SwapJob>("POST", "/api/swap", { model, slot });
export const cancelSwap = (id: string) => call<SwapJob>("DELETE", `/api/swap/${encodeURIComponent(id)}`);
