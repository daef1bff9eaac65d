/** The pool: one connection per (user, host, port), shared by everyone, re-made when it breaks. */

import { Fault } from "../fault.ts";
import { CallLimit } from "./call-limit.ts";
import { ChannelRefused, type Connection } from "./connection.ts";
import { SshError, targetName } from "./errors.ts";
import type { HostKeyJudge } from "./host-keys.ts";
import { type Backoff, Link, type LinkOptions } from "./link.ts";
import type { ShellCommand } from "./quote.ts";
import type { ExecOptions, ExecResult, SshPool, SshTarget } from "./ssh.ts";

export interface SshOptions {
  /** Text of the private key; see identity.ts. */
  readonly privateKey: string;
  readonly hostKeys: HostKeyJudge;
  readonly log?: LinkOptions["log"];
  /** A connection without an answer for `keepaliveIntervalMs` times `keepaliveCountMax` counts as broken. */
  readonly keepaliveIntervalMs?: number;
  readonly keepaliveCountMax?: number;
  /** Commands at a time on one connection. sshd allows 10 sessions by default (MaxSessions). */
  readonly maxChannels?: number;
  /** After a refused session, so long no more are tried at a time than ran then. */
  readonly narrowMs?: number;
  readonly readyTimeoutMs?: number;
  readonly backoff?: Backoff;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
/** Linux gives one argument 128 KiB at most (MAX_ARG_STRLEN), and sshd passes the command as one. */
const MAX_COMMAND_BYTES = 128 * 1024 - 1;

/** Makes a pool. Nothing connects before the first command. */
export function createSsh(options: SshOptions): SshPool {
  const settings: LinkOptions = {
    privateKey: options.privateKey,
    hostKeys: options.hostKeys,
    keepaliveIntervalMs: options.keepaliveIntervalMs ?? 5_000,
    keepaliveCountMax: options.keepaliveCountMax ?? 3,
    maxChannels: options.maxChannels ?? 8,
    narrowMs: options.narrowMs ?? 60_000,
    readyTimeoutMs: options.readyTimeoutMs ?? 10_000,
    backoff: options.backoff ?? { firstMs: 250, maxMs: 5_000 },
    log: options.log,
  };
  const links = new Map<string, Link>();
  const limits = new Map<CallLimit, SshTarget>();
  let closed = false;

  const keyOf = (target: SshTarget) => JSON.stringify([target.user, target.host, target.port]);
  const linkTo = (target: SshTarget): Link => {
    const key = keyOf(target);
    const known = links.get(key);
    if (known !== undefined) return known;
    const link = new Link(target, settings);
    links.set(key, link);
    return link;
  };

  const limited = async <T>(
    target: SshTarget,
    call: { readonly deadlineMs: number; readonly signal?: AbortSignal },
    action: (link: Link, limit: CallLimit) => Promise<T>,
  ): Promise<T> => {
    if (closed) throw shutDown(target);
    const limit = new CallLimit(target, call.deadlineMs, call.signal);
    limits.set(limit, target);
    try {
      return await action(linkTo(target), limit);
    } finally {
      limit.dispose();
      limits.delete(limit);
    }
  };

  return {
    exec: (target, command, call) => limited(target, call, (link, limit) => runOn(link, command, call, limit)),
    peerAddress: (target, call) =>
      limited(target, call, async (link, limit) => (await link.connection(limit)).peerAddress),
    renew: (target) => links.get(keyOf(target))?.renew(),
    async close() {
      closed = true;
      for (const [limit, target] of limits) limit.end(shutDown(target));
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

async function runOn(link: Link, command: ShellCommand, call: ExecOptions, limit: CallLimit): Promise<ExecResult> {
  if (Buffer.byteLength(command) > MAX_COMMAND_BYTES) {
    throw new Fault("too_large", "command_too_long", "A command for a Spark is longer than 128 KiB.");
  }
  const release = await link.slots.take(limit);
  let fresh = true;
  try {
    for (;;) {
      const connection = await link.connection(limit);
      try {
        return await connection.run(command, call.maxBytes ?? DEFAULT_MAX_BYTES, limit);
      } catch (error) {
        if (error instanceof ChannelRefused) await afterRefusal(link, connection, error, limit);
        else if (fresh && error instanceof SshError && error.reason === "network") {
          // The connection had broken before the command began; a new one works, or tells why not.
          fresh = false;
          connection.retire();
        } else throw error;
      }
    }
  } finally {
    release();
  }
}

/**
 * The peer opens fewer sessions than we ask for: its MaxSessions is lower, or commands that were given up still hold
 * theirs. Go on for a while with as many as run; with none running, on a new connection.
 */
async function afterRefusal(link: Link, connection: Connection, error: Error, limit: CallLimit): Promise<void> {
  if (connection.runningCount > 0) {
    if (connection.usable) link.narrow(connection.runningCount);
    await limit.race(connection.commandEnded());
    return;
  }
  if (connection.opened === 0) {
    const where = targetName(link.target);
    throw new SshError("network", link.target, `${where} accepts the key but opens no session for commands.`, {
      cause: error,
    });
  }
  connection.retire();
}

function shutDown(target: SshTarget): SshError {
  return new SshError("aborted", target, "Spark Control is shutting down.");
}
