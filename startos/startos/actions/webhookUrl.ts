/**
 * Where the controller lets a webhook go (lib/webhook/url-rule.ts), said again here: receivers on the LAN are what they are for; the
 * addresses where clouds hand out credentials, and Spark Control itself, are refused.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { PORT } from "../utils";

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

function isAddressFine(address: string, port: number): boolean {
  const plain = unwrapped(address);
  if (METADATA.check(plain, isIPv4(plain) ? "ipv4" : "ipv6")) return false;
  return port !== PORT || !isOwn(plain);
}

export function isWebhookUrl(text: string): boolean {
  if (text.length > 2_000 || /[\s\u0000-\u001f]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password, hostname, port: said } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return false;
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  const port = Number(said || (protocol === "https:" ? 443 : 80));
  if (METADATA_NAMES.has(host)) return false;
  if (host === "localhost" || host.endsWith(".localhost")) return isAddressFine("127.0.0.1", port);
  return isIP(host) === 0 || isAddressFine(host, port);
}
