/** Calls of the set-up part of the API. */
import type { CheckId, CheckResult } from "../../lib/setup/check.ts";
import type { Setting, Settings, SetupEntries } from "../../lib/setup/settings.ts";
import { Refused } from "../api.ts";
import { FieldsRefused, send } from "../fields-refused.ts";

export type { CheckId, CheckResult, Setting, SetupEntries };
export { FieldsRefused };

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
