/** What the rest of lib sees of SSH. The implementation lives beside this file. */
import type { ShellCommand } from "./quote.ts";

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface ExecOptions {
  /** The command is given up (channel closed, `SshError` of reason `timeout`) after this many milliseconds. */
  readonly deadlineMs: number;
  /** Bytes of stdout and stderr each that are kept; the rest is read and dropped, `truncated` is set. Default 1 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** UTF-8 decoded; invalid bytes become U+FFFD. */
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
  readonly exitCode: number;
  readonly truncated: boolean;
}

/** Why a command gave no result. `exit_code` is used only by `execOk`, which refuses a code other than 0. */
export type SshErrorReason =
  | "network" // no TCP connection, or it broke before the command began
  | "host_key" // the host shows another key than the pinned one
  | "key_refused" // the host does not accept the controller's key for that user
  | "timeout"
  | "aborted"
  | "exit_code"
  | "signal" // the remote command was ended by a signal
  | "unknown"; // the channel closed without an exit status: the outcome is not known, not "failed"

/** The pool itself, beside what its users need of it. */
export interface SshPool extends Ssh {
  /** The next command gets a new login; running ones go on. Groups that a user was added to count from then on. */
  renew(target: SshTarget): void;
}

/** A pool: one connection per (host, port, user), re-made with backoff, at most 8 channels each. */
export interface Ssh {
  /** Runs a command and resolves with whatever exit code it had. Throws SshError. */
  exec(target: SshTarget, command: ShellCommand, options: ExecOptions): Promise<ExecResult>;
  /** IPv4 address of the current or a new connection's peer. Throws SshError. */
  peerAddress(target: SshTarget, options: { deadlineMs: number; signal?: AbortSignal }): Promise<string>;
  /** Closes every connection; running remote jobs are untouched. */
  close(): Promise<void>;
}
