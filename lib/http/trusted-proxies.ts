/** Whose `X-Forwarded-*` headers count: addresses, or networks as `10.0.0.0/8`. */
import { BlockList, isIP, isIPv4 } from "node:net";

/** @returns whether a peer's address is in the list; entries that are no address or network match nothing */
export function proxyList(entries: readonly string[]): (peer: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (isIP(address) === 0) continue;
    if (bits === undefined) list.addAddress(address, family);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === "ipv4" ? 32 : 128))
      list.addSubnet(address, Number(bits), family);
  }
  return (peer) => {
    const plain = peer.replace(/^::ffff:(?=\d+\.)/i, "");
    return isIP(plain) !== 0 && list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  };
}
