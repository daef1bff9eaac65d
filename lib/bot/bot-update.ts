/** The update of a bot as it appears on the wire. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf } from "../schema.ts";

export const STEPS = ["fetch", "reset", "build"] as const;
export type StepName = (typeof STEPS)[number];
/** What each step runs, for people. BRANCH is put in. */
const COMMANDS: Readonly<Record<StepName, string>> = {
  fetch: "git fetch origin",
  reset: "git reset --hard origin/BRANCH",
  build: "docker compose up -d --build",
};
export const commandOf = (step: StepName, branch: string) => COMMANDS[step].replace("BRANCH", branch);

const STEP_STATES = ["waiting", "running", "done", "failed"] as const;
export const UPDATE_STATES = ["running", "succeeded", "failed", "timed_out", "cancelled", "unknown"] as const;

export const BotUpdateSchema = Type.Object(
  {
    id: Type.String(),
    service: Type.String(),
    state: OneOf(UPDATE_STATES, {
      description: "timed_out: it took longer than it may and was ended. unknown: how it ended could not be found out",
    }),
    steps: Type.Array(
      Type.Object(
        { name: OneOf(STEPS), command: Type.String(), state: OneOf(STEP_STATES) },
        { title: "BotUpdateStep" },
      ),
    ),
    reason: Nullable(Type.String({ description: "Why it did not succeed, or cannot be followed at the moment" })),
    branch: Type.String(),
    limit_seconds: Type.Integer({ description: "After so many seconds it is ended" }),
    by: Type.String(),
    started_at: Type.String(),
    ended_at: Nullable(Type.String()),
    last_seq: Type.Integer({ description: "Number of the last line of its output" }),
  },
  { title: "BotUpdate" },
);
export type BotUpdate = Static<typeof BotUpdateSchema>;

export const OutputLineSchema = Type.Object(
  { seq: Type.Integer({ description: "Counts from 1" }), line: Type.String() },
  { title: "BotUpdateLine" },
);
export type OutputLine = Static<typeof OutputLineSchema>;
