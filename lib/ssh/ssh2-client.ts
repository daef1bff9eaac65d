/** Opens one authenticated ssh2 client. Everything that has to be told to ssh2 is told here. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { dns } from "bun";
import { type CipherAlgorithm, Client, type ServerHostKeyAlgorithm } from "ssh2";
import { SshError, targetName } from "./errors.ts";
import { connectFailure, notResolved } from "./failure.ts";
import type { HostKeyJudge } from "./host-keys.ts";
import type { SshTarget } from "./ssh.ts";

export interface ClientOptions {
  readonly privateKey: string;
  readonly hostKeys: HostKeyJudge;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveCountMax: number;
  /** Bound of name resolution, TCP and SSH handshake together. */
  readonly readyTimeoutMs: number;
}

export interface OpenClient {
  readonly client: Client;
  readonly socket: Socket;
  readonly peerAddress: string;
}

/** Without chacha20-poly1305, which Bun's crypto lacks. All of these are in OpenSSH's defaults. */
const CIPHERS: CipherAlgorithm[] = [
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
];

const HOST_KEYS: ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** The pinned type first, as OpenSSH does: else a host that gains a second key type would look changed. */
function hostKeyOrder(pinnedType: string | null): ServerHostKeyAlgorithm[] {
  const isPinned = (name: string) => name === pinnedType || (pinnedType === "ssh-rsa" && name.startsWith("rsa-"));
  return [...HOST_KEYS.filter(isPinned), ...HOST_KEYS.filter((name) => !isPinned(name))];
}

/** IPv4 first and only for names: `.local` names can resolve to an IPv6 address that hangs. */
async function resolve(target: SshTarget): Promise<string> {
  if (isIP(target.host) !== 0 || target.host.includes("%")) return target.host;
  try {
    // The C library's resolver is the one that knows mDNS (nss-mdns) and /etc/hosts.
    const [first] = await dns.lookup(target.host, { family: 4, backend: "getaddrinfo" });
    if (first !== undefined) return first.address;
  } catch (cause) {
    throw notResolved(target, cause);
  }
  throw notResolved(target, undefined);
}

/**
 * Connects, checks the host key and logs in. @throws SshError of reason network, host_key or key_refused
 * @param signal ends the attempt
 */
export async function openClient(target: SshTarget, options: ClientOptions, signal: AbortSignal): Promise<OpenClient> {
  const startedAt = performance.now();
  const address = await resolve(target);
  const left = Math.max(1, options.readyTimeoutMs - (performance.now() - startedAt));
  return await new Promise<OpenClient>((fulfil, reject) => {
    const client = new Client();
    const socket = connectTcp({ host: address, port: target.port, noDelay: true });
    let refusal: SshError | undefined;
    let handshaking = false;
    const settle = () => {
      signal.removeEventListener("abort", onAbort);
      client.removeListener("close", onClose);
      client.removeListener("error", onError);
      // A client that has failed may emit `error` again, and one without a listener would end the process.
      client.on("error", () => {});
    };
    const fail = (error: unknown) => {
      settle();
      client.end();
      socket.destroy();
      reject(refusal ?? connectFailure(target, error, options.readyTimeoutMs));
    };
    const onError = (error: Error & { level?: string }) => {
      // ssh2 has one timer for TCP and handshake; only what it was waiting for tells them apart.
      const timedOutConnecting = error.level === "client-timeout" && !handshaking;
      fail(timedOutConnecting ? Object.assign(error, { code: "ETIMEDOUT" }) : error);
    };
    const onClose = () => fail(Object.assign(new Error("closed"), { code: "ECONNRESET" }));
    const onAbort = () =>
      fail(new SshError("aborted", target, `The connection to ${targetName(target)} was called off.`));

    socket.once("connect", () => {
      handshaking = true;
    });
    client.on("error", onError);
    client.on("close", onClose);
    client.once("ready", () => {
      settle();
      countDataAsLife(client, socket);
      fulfil({ client, socket, peerAddress: (socket.remoteAddress ?? address).replace(/^::ffff:/i, "") });
    });
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      client.connect({
        sock: socket,
        username: target.user,
        privateKey: options.privateKey,
        authHandler: ["publickey"],
        keepaliveInterval: options.keepaliveIntervalMs,
        keepaliveCountMax: options.keepaliveCountMax,
        readyTimeout: left,
        algorithms: {
          cipher: CIPHERS,
          serverHostKey: hostKeyOrder(options.hostKeys.pinnedType(target.host, target.port)),
        },
        hostVerifier: (key: Buffer): boolean => {
          try {
            const verdict = options.hostKeys.check(target.host, target.port, key);
            if (verdict.trusted) return true;
            refusal = hostKeyRefused(target, verdict.expected, verdict.shown);
          } catch (error) {
            refusal = connectFailure(target, error, options.readyTimeoutMs);
          }
          return false;
        },
      });
    } catch (error) {
      fail(error);
    }
  });
}

/**
 * ssh2 believes a connection to be alive only while its pings are answered. On a slow line the answers queue up behind
 * the output of commands, so everything that arrives has to count, as it does in OpenSSH (ssh_config, ServerAliveCountMax).
 */
function countDataAsLife(client: Client, socket: Socket): void {
  const insides = client as { readonly _resetKA?: () => void };
  socket.on("data", () => insides._resetKA?.());
}

function hostKeyRefused(target: SshTarget, expected: string | null, shown: string): SshError {
  const where = targetName(target);
  const message =
    expected === null
      ? `${where} shows a host key that nobody has confirmed yet: ${shown}.`
      : `${where} shows another host key than before: expected ${expected}, shown ${shown}. ` +
        "If you reinstalled it, accept the new key; if not, stop here.";
  const members = { expected_fingerprint: expected, shown_fingerprint: shown };
  return new SshError("host_key", target, message, { members });
}
