/** Calls of the set-up part of the API. */
import type { CheckId, CheckResult } from "../../lib/setup/check.ts";
import type { Setting, Settings, SetupEntries } from "../../lib/setup/settings.ts";
import { Refused } from "../api.ts";

export type { CheckId, CheckResult, Setting, SetupEntries };

export interface SetupAnswer extends Settings {
  readonly public_key: string;
  readonly authorize_line: string;
  readonly simulation: "possible" | "running" | "impossible";
}

/** What will be checked, Spark by Spark. */
export type CheckPlan = readonly {
  readonly node: string;
  readonly checks: readonly { check: CheckId; title: string }[];
}[];

/** A refusal that names fields. */
export class FieldsRefused extends Refused {
  constructor(
    message: string,
    status: number,
    /** JSON Pointer into the body → what is wrong there. */
    readonly fields: ReadonlyMap<string, string>,
  ) {
    super(message, status);
  }
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const init: RequestInit = { method, cache: "no-store" };
  if (body !== undefined) {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(path, init).catch(() => null);
  if (response === null) throw new Refused("Spark Control cannot be reached. Nothing was changed.", 0);
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as {
    detail?: string;
    errors?: { path: string; message: string }[];
  };
  const message = problem.detail ?? `Spark Control answered with status ${response.status}.`;
  throw new FieldsRefused(
    message,
    response.status,
    new Map(problem.errors?.map(({ path: at, message: why }) => [at, why])),
  );
}

export const fetchSetup = async () => (await (await send("GET", "/api/setup")).json()) as SetupAnswer;

/** @param trial only validate */
export const saveSetup = async (entries: SetupEntries, trial: boolean) =>
  (await (await send("PUT", "/api/setup", { ...entries, trial })).json()) as SetupAnswer;

export const confirmKey = async (host: string, port: number, fingerprint: string): Promise<void> =>
  void (await send("POST", "/api/setup/confirm", { host, ssh_port: port, fingerprint }));

export const enterSimulated = async (): Promise<void> => void (await send("POST", "/api/simulated"));
export const leaveSimulated = async (): Promise<void> => void (await send("DELETE", "/api/simulated"));

interface Listener {
  plan(plan: CheckPlan): void;
  result(result: CheckResult): void;
}

/** Runs the checks; resolves when all results are there. @throws Refused when they cannot begin or break off */
export async function runChecks(entries: SetupEntries, listener: Listener): Promise<void> {
  const response = await send("POST", "/api/setup/check", entries);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const read = await reader?.read().catch(() => undefined);
    if (read === undefined || read.done) throw new Refused("The connection broke while checking. Check again.", 0);
    text += read.value;
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const event = /^event: (.*)$/m.exec(frame)?.[1];
      const data = JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? "null");
      if (event === "checks") listener.plan((data as { nodes: CheckPlan }).nodes);
      if (event === "result") listener.result(data as CheckResult);
      if (event === "error") {
        const { detail, status } = data as { detail: string; status: number };
        throw new Refused(detail, status);
      }
      if (event === "end") return;
    }
  }
}
