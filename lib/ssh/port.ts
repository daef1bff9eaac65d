/** Whether something answers at a host's SSH port, told by a TCP connection that is closed again at once. */
import { connect, isIP } from "node:net";
import { dns } from "bun";
import type { SshTarget } from "./ssh.ts";

/** Never throws: a name that cannot be resolved does not answer either. @param deadlineMs name resolution included */
export async function portAnswers(target: SshTarget, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
  const given = Promise.withResolvers<false>();
  const giveUp = () => given.resolve(false);
  const timer = setTimeout(giveUp, deadlineMs);
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    const address = await Promise.race([addressOf(target.host).catch(() => null), given.promise]);
    if (!address) return false;
    const socket = connect({ host: address, port: target.port });
    // A socket that failed may say so more than once.
    const answered = new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    return await Promise.race([answered, given.promise]).finally(() => socket.destroy());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/** IPv4 for names, as for SSH itself: `.local` names can resolve to an IPv6 address that hangs. */
async function addressOf(host: string): Promise<string | null> {
  if (isIP(host) !== 0 || host.includes("%")) return host;
  const [first] = await dns.lookup(host, { family: 4, backend: "getaddrinfo" });
  return first?.address ?? null;
}
