/** What is checked on a Spark before it is used, and the shape of what a check finds. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable, OneOf } from "../schema.ts";

/** In the order in which they are shown. `from_head` is for every Spark but the first. */
export const CHECKS = {
  reachable: "Answers over SSH",
  host_key: "Identity",
  login: "Login with the key",
  docker: "Docker",
  launch_script: "Launch script",
  image: "Image",
  disk: "Space for models",
  gpu: "GPU",
  clock: "Clock",
  owner: "Free to use",
  from_head: "Reached from the first Spark",
} as const;

export type CheckId = keyof typeof CHECKS;
export const CHECK_IDS = Object.keys(CHECKS) as CheckId[];

export const STATES = ["ok", "warning", "failed", "skipped"] as const;

export const FixSchema = Type.Object(
  {
    text: Type.String({ description: "What to do, in plain words" }),
    where: Nullable(Type.String({ description: "Name of the Spark on which the lines are to be pasted" })),
    lines: Type.Array(Type.String(), { description: "Exact lines for a shell there" }),
  },
  { title: "SetupFix" },
);
export type Fix = Static<typeof FixSchema>;

export const ShownKeySchema = Type.Object(
  {
    fingerprint: Type.String({ description: "Of the key that the Spark shows now" }),
    type: Type.String({ description: "Such as `ssh-ed25519`" }),
    expected: Nullable(Type.String({ description: "Of the key that was trusted until now; null for a new Spark" })),
    command: Type.String({ description: "Prints the fingerprint on the Spark itself" }),
  },
  { title: "SetupShownKey" },
);
export type ShownKey = Static<typeof ShownKeySchema>;

export const CheckResultSchema = Type.Object(
  {
    node: Type.String(),
    check: OneOf(CHECK_IDS),
    title: Type.String(),
    state: OneOf(STATES),
    seen: Type.String({ description: "What was found, in one sentence" }),
    evidence: Nullable(Type.String({ description: "What the Spark said, word for word" })),
    fix: Nullable(FixSchema),
    confirm: Nullable(ShownKeySchema),
  },
  { title: "SetupCheckResult" },
);
export type CheckResult = Static<typeof CheckResultSchema>;

/** What one check finds; the runner adds whose it is. */
export type Finding = Pick<CheckResult, "state" | "seen"> & Partial<Pick<CheckResult, "evidence" | "fix" | "confirm">>;

const MAX_EVIDENCE = 400;

/** The end of what a command said; null when it said nothing. */
export function evidenceOf(...said: readonly string[]): string | null {
  const text = said
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join("\n")
    .slice(-MAX_EVIDENCE);
  return text === "" ? null : text;
}
