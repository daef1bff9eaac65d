/** Speech stays home: its services must stand at private addresses. The name is resolved here, and that very address is used. */
import { BlockList, isIP, isIPv4 } from "node:net";
import { Fault } from "../fault.ts";

/** RFC 1918, 100.64/10 (RFC 6598, used by VPNs), unique local addresses (RFC 4193), loopback. */
const PRIVATE = new BlockList();
PRIVATE.addSubnet("10.0.0.0", 8);
PRIVATE.addSubnet("172.16.0.0", 12);
PRIVATE.addSubnet("192.168.0.0", 16);
PRIVATE.addSubnet("100.64.0.0", 10);
PRIVATE.addSubnet("127.0.0.0", 8);
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addAddress("::1", "ipv6");

export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, "").replace(/^::ffff:(?=\d+\.)/i, "");
  if (isIP(plain) === 0) return false;
  return PRIVATE.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
}

/** @throws Fault `unavailable` when one of the addresses is public */
export function requirePrivate(name: string, addresses: readonly string[]): void {
  if (addresses.every(isPrivateAddress)) return;
  throw new Fault(
    "unavailable",
    "not_private",
    `${name} is not at a private address. Speech is only sent to machines of the own network.`,
  );
}
