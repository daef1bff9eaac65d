/** Turns an error of ssh2, of a socket or of the resolver into an `SshError`. The only place that reads their texts. */
import { SshError, targetName } from "./errors.ts";
import type { SshTarget } from "./ssh.ts";

/** ssh2 marks its errors with a level; sockets and the resolver with a code. */
interface Marked {
  readonly level?: unknown;
  readonly code?: unknown;
  readonly message: string;
}

const NETWORK_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses SSH connections. Is it switched on, and is remote login (SSH) on at that port?",
  ECONNRESET: "broke the connection off while it was being made.",
  EHOSTUNREACH: "cannot be reached: there is no route to it. Check the cable, the address and that it is switched on.",
  ENETUNREACH: "cannot be reached: this machine has no network that leads to it.",
  EHOSTDOWN: "cannot be reached: it seems to be switched off.",
  ETIMEDOUT: "did not answer in time. Check that it is switched on and that the address is right.",
  EPIPE: "closed the connection.",
};

const RESOLVER_CODE = /^(?:DNS_)?(?:ENOTFOUND|EAI_[A-Z]+|ENODATA|ESERVFAIL|ETIMEOUT|ENONAME|EBADNAME)$/;

function marked(error: unknown): Marked {
  return error instanceof Error ? (error as Error & Partial<Marked>) : { message: String(error) };
}

/** Why the connection could not be made. @param readyTimeoutMs what the attempt was given, for the text */
export function connectFailure(target: SshTarget, error: unknown, readyTimeoutMs: number): SshError {
  if (error instanceof SshError) return error;
  const { level, code, message } = marked(error);
  const where = targetName(target);
  if (level === "client-authentication") {
    return new SshError(
      "key_refused",
      target,
      `${where} does not accept this controller's key for user ${target.user}. Add the public key to ~/.ssh/authorized_keys there.`,
      { cause: error },
    );
  }
  if (typeof code === "string" && RESOLVER_CODE.test(code)) return notResolved(target, error);
  const known = typeof code === "string" ? NETWORK_CODES[code] : undefined;
  if (known !== undefined) return new SshError("network", target, `${where} ${known}`, { cause: error });
  if (level === "client-timeout") {
    const seconds = Math.round(readyTimeoutMs / 100) / 10;
    return new SshError("network", target, `${where} did not complete the SSH handshake within ${seconds} s.`, {
      cause: error,
    });
  }
  if (level === "handshake" || level === "protocol" || /handshake|no matching/i.test(message)) {
    return new SshError("network", target, `${where} answers, but the SSH handshake failed: ${message}.`, {
      cause: error,
    });
  }
  return new SshError("network", target, `The connection to ${where} could not be made: ${message}.`, { cause: error });
}

/** The name has no IPv4 address. */
export function notResolved(target: SshTarget, cause: unknown): SshError {
  const advice = target.host.endsWith(".local")
    ? "Names ending in .local often do not work inside a container: use its IP address."
    : "Check the spelling, or use its IP address.";
  return new SshError("network", target, `The name ${target.host} could not be resolved. ${advice}`, { cause });
}

/** ssh2's error when the peer refuses a channel (sshd: MaxSessions reached); the command then never began. */
export function isChannelRefused(error: unknown): boolean {
  return error instanceof Error && "reason" in error && error.message.startsWith("(SSH) Channel open failure");
}
