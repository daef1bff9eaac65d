/** Who a request comes from. */
import { isIP } from "node:net";
import { proxyList } from "./trusted-proxies.ts";

/** An IPv4 address as such, also where a socket for both kinds tells it wrapped. */
export const plainAddress = (address: string): string =>
  address.startsWith("::f") || address.startsWith("::F") ? address.replace(/^::ffff:(?=\d+\.)/i, "") : address;

/**
 * @param peer      address of the connection; null where there is none
 * @param forwarded value of `X-Forwarded-For`: each proxy adds whom it was asked by. The last one that is no trusted proxy
 *                  is the client; what stands before it anybody may have written
 */
export function clientAddress(
  peer: string | null,
  forwarded: string | null,
  trustedProxies: readonly string[],
): string | null {
  if (peer === null) return null;
  const isTrusted = proxyList(trustedProxies);
  let client = plainAddress(peer);
  for (const hop of (forwarded ?? "").split(",").reverse()) {
    const address = plainAddress(hop.trim().replace(/^\[(.*)\](?::\d+)?$/, "$1"));
    if (!isTrusted(client) || isIP(address) === 0) break;
    client = address;
  }
  return client;
}
