/** What a downstream app may rely on, said in types: this file is right when it compiles. */
import type { Problem, SparkControl } from "spark-control/client";
import { verifyWebhook, type WebhookPayload } from "spark-control/webhook";
import type { calls } from "./calls.ts";
import type { ErrorStatus, Lossy, Same } from "./exactly.ts";

type Holds<Claim extends true> = Claim;
type None<Names extends never> = Names;

type Calls = typeof calls;

/** What the compiler has to agree to; an error names the call that is wrong. */
export type Claims = [
  // No answer and no error of any route is `any` or `unknown`, not even in a field.
  None<Lossy<Calls>>,
  // What the guards answer to every request is there beside the route's own statuses.
  Holds<Same<ErrorStatus<Calls["GET /api/models"]>, 400 | 421 | 422 | 500>>,
  Holds<Same<ErrorStatus<Calls["GET /api/swap/{id}"]>, 400 | 404 | 421 | 422 | 500>>,
];

export async function listModels(client: SparkControl): Promise<{ key: string; gigabytes: number | null }[]> {
  const { data, error } = await client.api.models.get();
  if (error) throw new Error(`status ${error.status}`);
  return data.models.map(({ key, size_gb }) => ({ key, gigabytes: size_gb }));
}

export async function plan(client: SparkControl, model: string) {
  const { data, error } = await client.api.swap.plan.post({ model });
  if (error?.status === 404) return { unknown: error.value.code };
  if (error) throw new Error(`status ${error.status}`);
  const downtime: number = data.downtime_seconds;
  const fits: boolean | null = data.fits;
  return { downtime, fits, blockers: data.blockers.map(({ code }) => code) };
}

/** Starts a swap. A swap that runs already is not an error here: its id comes back. */
export async function swap(client: SparkControl, model: string): Promise<{ id: string; mine: boolean }> {
  const { data, error } = await client.api.swap.post({ model, rollback: true });
  if (error) {
    switch (error.status) {
      case 409: {
        const running: string | undefined = error.value.job_id;
        return { id: running ?? "", mine: false };
      }
      case 421:
        throw new Error(error.value);
      default: {
        const problem: Problem = error.value;
        throw new Error(`${error.status} ${problem.code}: ${problem.detail}`);
      }
    }
  }
  // 200 is a dry run, 202 a job: one field tells them apart.
  if ("dry_run" in data) throw new Error(data.plan.summary.join(" "));
  return { id: data.job_id, mine: true };
}

export async function look(client: SparkControl, id: string) {
  const { data, error, status } = await client.api.swap({ id }).get();
  if (error) return { status, code: error.status === 421 ? null : error.value.code };
  // Times are the strings of the wire, not dates.
  const created: string = data.created_at;
  return { status, state: data.state, progress: data.progress, created };
}

/** States that the stream tells, up to its end. */
export async function follow(client: SparkControl, id: string): Promise<{ states: string[]; lines: number }> {
  const { data, error } = await client.api.swap({ id }).stream.get();
  if (error) throw new Error(`status ${error.status}`);
  const states: string[] = [];
  let lines = 0;
  for await (const message of data) {
    if (message.event === "state") states.push(message.data.state);
    if (message.event === "log") lines += message.data.lines.filter(({ line }) => line !== "").length;
    if (message.event === "error") throw new Error(message.data.detail);
    if (message.event === "end") break;
  }
  return { states, lines };
}

export async function history(client: SparkControl, limit: number): Promise<string[]> {
  const { data } = await client.api.swap.get({ query: { limit } });
  return data?.swaps.map(({ job_id }) => job_id) ?? [];
}

/** What a receiver does with a request. */
export async function receive(request: Request, secret: string): Promise<string> {
  const message: WebhookPayload = await verifyWebhook({ secret, headers: request.headers, body: await request.text() });
  switch (message.event) {
    case "swap_failed": {
      const reason: string | null = message.data.reason;
      return reason ?? message.data.state;
    }
    case "lock_forced":
      return `${message.data.by} took it from ${message.data.holder}: ${message.data.generation}`;
    default:
      return message.event;
  }
}
