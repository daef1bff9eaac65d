/**
 * Where webhooks may go. Receivers on the LAN are what they are for; what is refused: other schemes, credentials in the
 * URL, the addresses where clouds hand out their machines' credentials, and the controller's own API.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

const METADATA = new BlockList();
for (const address of [
  "169.254.42.42", // Scaleway
  "169.254.0.23", // Tencent
  "168.63.129.16", // Azure's host
  "192.0.0.192", // Oracle
  "100.100.100.200", // Alibaba
])
  METADATA.addAddress(address, "ipv4");
// AWS, Azure, Google, OpenStack and others. The rest of link-local is what joins two Sparks by their cable.
METADATA.addSubnet("169.254.169.0", 24, "ipv4");
METADATA.addSubnet("169.254.170.0", 24, "ipv4"); // AWS containers
for (const address of ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe"])
  METADATA.addAddress(address, "ipv6");

const METADATA_NAMES = new Set(["metadata", "metadata.google.internal", "instance-data"]);

/** `host` of a URL as an address or a name: without brackets and trailing dot. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");

/** The port that a URL means. */
export const portOf = (url: URL): number => Number(url.port || (url.protocol === "https:" ? 443 : 80));

/** An IPv4 address that is wrapped in IPv6 (mapped `::ffff:0:0/96`, compatible `::/96`, NAT64 `64:ff9b::/96`) is judged as what it is. */
function unwrapped(address: string): string {
  if (isIPv4(address) || isIP(address) === 0) return address;
  // The URL parser writes IPv6 in one way only: compressed, hexadecimal.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const wrapped = /^(?:(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?|::([0-9a-f]{1,4}):)([0-9a-f]{1,4})$/.exec(canonical);
  if (!wrapped) return canonical;
  const bits = (Number.parseInt(wrapped[1] ?? wrapped[2] ?? "0", 16) << 16) | Number.parseInt(wrapped[3]!, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}

function isOwn(address: string): boolean {
  if (address === "::" || address === "::1" || /^(?:127|0)\./.test(address)) return true;
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address));
}

/**
 * Why nothing is sent to this address; null when it may be. Asked for what a name resolves to as well, at each attempt.
 * @param ownPort port of the controller; null while it does not listen
 */
export function addressRefusal(address: string, port: number, ownPort: number | null): string | null {
  const plain = unwrapped(address);
  if (METADATA.check(plain, isIPv4(plain) ? "ipv4" : "ipv6")) return "Nothing is sent to a cloud's metadata address.";
  if (port === ownPort && isOwn(plain)) return "Nothing is sent to Spark Control itself.";
  return null;
}

/** Why a URL cannot be an endpoint; null when it can. */
export function urlRefusal(text: string, ownPort: number | null): string | null {
  const url = URL.parse(text);
  if (!url) return "This is not a URL. Write it as http://<host>:<port>/<path>.";
  if (url.protocol !== "http:" && url.protocol !== "https:") return "Only http and https can be used.";
  if (url.username !== "" || url.password !== "") return "A URL with user or password cannot be used. Use a secret.";
  const host = hostOf(url);
  if (METADATA_NAMES.has(host)) return "Nothing is sent to a cloud's metadata address.";
  if (host === "localhost" || host.endsWith(".localhost")) return addressRefusal("127.0.0.1", portOf(url), ownPort);
  return isIP(host) === 0 ? null : addressRefusal(host, portOf(url), ownPort);
}
