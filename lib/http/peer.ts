/** Who a request comes from. */
import { isIP } from "node:net";
import { proxyList } from "./trusted-proxies.ts";

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "");

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
  let client = plain(peer);
  for (const hop of (forwarded ?? "").split(",").reverse()) {
    const address = plain(hop.trim().replace(/^\[(.*)\](?::\d+)?$/, "$1"));
    if (!isTrusted(client) || isIP(address) === 0) break;
    client = address;
  }
  return client;
}
