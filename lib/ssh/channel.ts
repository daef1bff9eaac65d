/** One exec channel of ssh2: what comes out of it, and how to leave it. */
import type { ClientChannel } from "ssh2";
import { ByteSink } from "./byte-sink.ts";

export interface Outcome {
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly exitCode: number | null;
  /** Name with `SIG`, when a signal ended the command. With neither code nor signal the outcome is not known. */
  readonly signal: string | null;
}

/** Closes stdin, collects both streams and calls back when the channel has closed. @param maxBytes of each stream */
export function collect(channel: ClientChannel, maxBytes: number, onClose: (outcome: Outcome) => void): void {
  const stdout = new ByteSink(maxBytes);
  const stderr = new ByteSink(maxBytes);
  let exitCode: number | null = null;
  let signal: string | null = null;
  channel.on("data", (data: Buffer) => stdout.add(data));
  channel.stderr.on("data", (data: Buffer) => stderr.add(data));
  channel.on("error", () => {});
  channel.stderr.on("error", () => {});
  channel.on("exit", (code: number | null, name?: string) => {
    exitCode = typeof code === "number" ? code : null;
    signal = typeof name === "string" ? name : null;
  });
  channel.on("close", () => onClose({ stdout, stderr, exitCode, signal }));
  channel.end();
}

/**
 * Leaves a command that is still running. sshd counts a closed channel against MaxSessions for as long as its process
 * lives, so the process group is killed too (RFC 4254 section 6.9). sshd does that for ordinary users, not for root; what
 * stays is dealt with in connection-pool.ts (`afterRefusal`).
 */
export function giveUp(channel: ClientChannel): void {
  channel.removeAllListeners("data");
  channel.stderr.removeAllListeners("data");
  channel.on("error", () => {});
  channel.resume();
  channel.stderr.resume();
  sendKill(channel);
  channel.close();
}

/** The part of ssh2's insides that is needed here. */
interface Insides {
  readonly outgoing?: { readonly id: number; readonly state: string };
  readonly _client?: { readonly _protocol?: { signal?(channel: number, name: string): void } };
}

/** `channel.signal` does nothing once stdin has been closed, though the protocol allows it: ask the layer below. */
function sendKill(channel: object): void {
  const { outgoing, _client } = channel as Insides;
  if (outgoing?.state === "open" || outgoing?.state === "eof") _client?._protocol?.signal?.(outgoing.id, "KILL");
}
