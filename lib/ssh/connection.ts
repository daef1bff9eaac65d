/** One live SSH connection and the commands that run on it. When it breaks, all of them fail at once. */
import type { Socket } from "node:net";
import type { Client, ClientChannel } from "ssh2";
import type { CallLimit } from "./call-limit.ts";
import { collect, giveUp } from "./channel.ts";
import { SshError, targetName } from "./errors.ts";
import { isChannelRefused } from "./failure.ts";
import type { ShellCommand } from "./quote.ts";
import type { ExecResult, SshTarget } from "./ssh.ts";
import type { OpenClient } from "./ssh2-client.ts";

/** The peer did not open a channel, so the command never began (sshd: MaxSessions). */
export class ChannelRefused extends Error {
  override readonly name = "ChannelRefused";
}

type Breakage = (cause: unknown) => void;

export class Connection {
  readonly target: SshTarget;
  readonly peerAddress: string;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #running = new Set<Breakage>();
  readonly #idle = new Set<() => void>();
  readonly #closed: Promise<void>;
  #broken = false;
  #cause: unknown;
  #retired = false;
  /** Commands whose channel the peer has opened. */
  opened = 0;

  constructor(target: SshTarget, open: OpenClient, onBroken: (connection: Connection) => void) {
    this.target = target;
    this.peerAddress = open.peerAddress;
    this.#client = open.client;
    this.#socket = open.socket;
    const closed = Promise.withResolvers<void>();
    this.#closed = closed.promise;
    const broke = (cause: unknown) => {
      if (this.#broken) return;
      this.#broken = true;
      this.#cause = cause;
      onBroken(this);
      for (const breakage of [...this.#running]) breakage(cause);
      this.#client.destroy();
      this.#socket.destroy();
    };
    this.#client.on("error", broke);
    this.#client.on("end", () => broke(new Error("the peer ended the connection")));
    this.#client.on("close", () => {
      broke(new Error("the connection closed"));
      closed.resolve();
    });
    if (this.#socket.destroyed) {
      broke(new Error("the connection closed"));
      closed.resolve();
    }
  }

  get usable(): boolean {
    return !this.#broken && !this.#retired;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Takes no more commands; ends once the running ones have. */
  retire(): void {
    this.#retired = true;
    if (this.#running.size === 0) void this.close();
  }

  /** Resolves when one of the running commands has ended, or the connection has broken. */
  commandEnded(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.add(resolve));
  }

  /** Ends the connection politely, hard after a moment. */
  async close(): Promise<void> {
    this.#client.end();
    const hard = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    await this.#closed;
    clearTimeout(hard);
  }

  /** Runs one command. @throws SshError, or ChannelRefused when it never began */
  run(command: ShellCommand, maxBytes: number, limit: CallLimit): Promise<ExecResult> {
    const { target } = this;
    const where = targetName(target);
    return new Promise<ExecResult>((resolve, reject) => {
      let channel: ClientChannel | undefined;
      let settled = false;
      const finish = (settle: () => void, refused = false) => {
        if (settled) return;
        settled = true;
        leave();
        this.#running.delete(onBreak);
        settle();
        // A refused command has freed nothing: waking the others for it would make them refuse each other in a circle.
        if (!refused || this.#running.size === 0) {
          for (const wake of this.#idle) wake();
          this.#idle.clear();
        }
        if (this.#retired && this.#running.size === 0) void this.close();
      };
      const fail = (error: Error) => finish(() => reject(error));
      const onBreak: Breakage = (cause) =>
        fail(
          new SshError(
            "unknown",
            target,
            `The connection to ${where} broke while a command ran; its outcome is not known.`,
            {
              cause,
            },
          ),
        );
      if (this.#broken) {
        reject(new SshError("network", target, `The connection to ${where} broke.`, { cause: this.#cause }));
        return;
      }
      let leave = () => {};
      this.#running.add(onBreak);
      leave = limit.onReached((error) => {
        if (channel !== undefined) giveUp(channel);
        fail(error);
      });
      if (settled) return;

      const onOpen = (error: Error | undefined, opened: ClientChannel) => {
        if (error !== undefined) {
          if (isChannelRefused(error) && !this.#broken) finish(() => reject(new ChannelRefused(error.message)), true);
          else onBreak(error);
          return;
        }
        this.opened += 1;
        channel = opened;
        if (settled) {
          giveUp(opened);
          return;
        }
        collect(opened, maxBytes, (outcome) => {
          if (outcome.exitCode !== null) {
            const { stdout, stderr, exitCode } = outcome;
            finish(() =>
              resolve({
                stdout: stdout.text(),
                stdoutBytes: stdout.bytes(),
                stderr: stderr.text(),
                exitCode,
                truncated: stdout.truncated || stderr.truncated,
              }),
            );
          } else if (outcome.signal !== null) {
            fail(
              new SshError("signal", target, `The command on ${where} was ended by signal ${outcome.signal}.`, {
                members: { signal: outcome.signal },
              }),
            );
          } else {
            fail(
              new SshError(
                "unknown",
                target,
                `The command on ${where} ended without a result; its outcome is not known.`,
              ),
            );
          }
        });
      };
      try {
        this.#client.exec(command, onOpen);
      } catch (cause) {
        // ssh2 throws "Not connected" before it has sent anything.
        fail(new SshError("network", target, `The connection to ${where} broke.`, { cause }));
      }
    });
  }
}

const CLOSE_GRACE_MS = 500;
