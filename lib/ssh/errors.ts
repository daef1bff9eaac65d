/** What can go wrong between the controller and a Spark, in words that say what to do about it. */
import { Fault, type FaultKind } from "../fault.ts";
import type { SshErrorReason, SshTarget } from "./ssh.ts";

const KINDS: Readonly<Record<SshErrorReason, FaultKind>> = {
  network: "upstream",
  host_key: "upstream",
  key_refused: "upstream",
  timeout: "timeout",
  aborted: "unavailable",
  exit_code: "upstream",
  signal: "upstream",
  unknown: "upstream",
};

/** `spark-1`, or `spark-1:2222` when the port is not the usual one. */
export function targetName(target: Pick<SshTarget, "host" | "port">): string {
  if (target.port === 22) return target.host;
  return target.host.includes(":") ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

/** A command that gave no result. The message is one for the owner of the Sparks; `cause` is the library's error. */
export class SshError extends Fault {
  override readonly name = "SshError";

  constructor(
    readonly reason: SshErrorReason,
    readonly target: SshTarget,
    message: string,
    options: { cause?: unknown; members?: Readonly<Record<string, unknown>> } = {},
  ) {
    const { cause, members } = options;
    const all = { host: target.host, reason, ...members };
    super(KINDS[reason], `ssh_${reason}`, message, all, cause === undefined ? undefined : { cause });
  }

  /** The deadline of the command passed; whether it had an effect is not known. */
  get timedOut(): boolean {
    return this.reason === "timeout";
  }

  get aborted(): boolean {
    return this.reason === "aborted";
  }

  /** Nothing was run: there was no usable connection. */
  get neverBegan(): boolean {
    return this.reason === "network" || this.reason === "host_key" || this.reason === "key_refused";
  }

  /** Waiting does not help: somebody has to act on the Spark or accept a key. */
  get needsHuman(): boolean {
    return this.reason === "host_key" || this.reason === "key_refused";
  }

  /** The command may or may not have had its effect; look before repeating it. */
  get outcomeUnknown(): boolean {
    return this.reason === "unknown" || this.reason === "timeout" || this.reason === "aborted";
  }
}

/** What a node remembers that makes it refuse: a higher generation, or another controller. */
export type Fence =
  | { readonly by: "generation"; readonly highest: number }
  | { readonly by: "instance"; readonly instance: string };

/** The node refused to start a job because someone newer, or another controller, has been there. */
export class FencedError extends Fault {
  override readonly name = "FencedError";

  constructor(
    readonly target: SshTarget,
    readonly fence: Fence,
  ) {
    const where = targetName(target);
    super(
      "conflict",
      fence.by === "generation" ? "fenced_generation" : "fenced_instance",
      fence.by === "generation"
        ? `${where} has already been given a newer swap (generation ${fence.highest}); this older one was not started.`
        : `${where} is in use by another Spark Control (${fence.instance}). Stop that one, then confirm "Take over".`,
      { host: target.host },
    );
  }
}
