/** What the kernel knows of a TCP connection of this machine (proc_net_tcp, Linux). */
import { readFileSync } from "node:fs";

export interface KernelSocket {
  readonly isEstablished: boolean;
  /** Bytes that were sent and not acknowledged by the other side's kernel. */
  readonly unsent: number;
  /** Bytes that have arrived and that the program has not read. */
  readonly unread: number;
}

const ESTABLISHED = "01";

/** One end of a connection over IPv4; null when it is gone. @param from port of this end @param to port of the other */
export function kernelSocket(from: number, to: number): KernelSocket | null {
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local, remote, state, queues] = line.trim().split(/\s+/);
    if (portOf(local) !== from || portOf(remote) !== to) continue;
    const [unsent = 0, unread = 0] = (queues ?? "").split(":").map((hex) => Number.parseInt(hex, 16));
    return { isEstablished: state === ESTABLISHED, unsent, unread };
  }
  return null;
}

const portOf = (address: string | undefined) => Number.parseInt(address?.split(":")[1] ?? "", 16);
