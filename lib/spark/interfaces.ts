/** The network interfaces of a Spark, from `ip -d -j addr`, or from the text of an `ip` without JSON (BusyBox). Pure. */
import { isIPv4 } from "node:net";

export interface Interface {
  readonly name: string;
  /** Hardware address in lower case; null for an interface without one. */
  readonly mac: string | null;
  readonly ipv4: readonly string[];
  /** `wireguard`, `bridge`, `veth` …; null where `ip` does not tell. */
  readonly kind: string | null;
  /** `ether`, `none`, `loopback` …; null where `ip` does not tell. */
  readonly linkType: string | null;
  readonly flags: readonly string[];
}

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const NAME = /^[^\s/\u0000-\u001f\u007f]{1,15}$/;
const MOST = 512;

/** Empty when nothing of it can be understood. Never throws. */
export function readInterfaces(output: string): Interface[] {
  return fromJson(output) ?? fromText(output);
}

function fromJson(output: string): Interface[] | null {
  const line = output.split("\n").find((each) => each.startsWith("["));
  if (line === undefined) return null;
  try {
    const entries: unknown = JSON.parse(output.slice(output.indexOf(line)).trim());
    return Array.isArray(entries) ? entries.slice(0, MOST).flatMap(interfaceOf) : null;
  } catch {
    return null;
  }
}

function interfaceOf(entry: unknown): Interface[] {
  const { ifname, address, link_type, flags, linkinfo, addr_info } = fieldsOf(entry);
  const name = text(ifname);
  if (name === null || !NAME.test(name)) return [];
  const ipv4 = list(addr_info).flatMap((each) => {
    const local = text(fieldsOf(each).local);
    return local !== null && isIPv4(local) ? [local] : [];
  });
  const { info_kind } = fieldsOf(linkinfo);
  const isText = (flag: unknown): flag is string => typeof flag === "string";
  return [
    {
      name,
      mac: macOf(text(address)),
      ipv4,
      kind: text(info_kind),
      linkType: text(link_type),
      flags: list(flags).filter(isText),
    },
  ];
}

/** `2: eth0: <UP,…> mtu …`, then indented `link/ether MAC …` and `inet ADDRESS/BITS …`. */
function fromText(output: string): Interface[] {
  const found: { -readonly [Key in keyof Interface]: Interface[Key] }[] = [];
  for (const line of output.split("\n")) {
    const [, name, flags] = /^\d+: ([^\s:@]{1,15})(?:@\S+)?: <([A-Z0-9_,-]*)>/.exec(line) ?? [];
    if (name !== undefined && found.length < MOST) {
      found.push({ name, mac: null, ipv4: [], kind: null, linkType: null, flags: flags?.split(",") ?? [] });
      continue;
    }
    const last = found.at(-1);
    const [, linkType, address] = /^\s+link\/(\w+)(?: (\S+))?/.exec(line) ?? [];
    if (last && linkType !== undefined) Object.assign(last, { linkType, mac: macOf(address ?? null) });
    const inet = /^\s+inet (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1];
    if (last && inet !== undefined && isIPv4(inet)) last.ipv4 = [...last.ipv4, inet];
  }
  return found;
}

/** Of the interface that has the address; else of the only real one. Null when that cannot be told. */
export function macAt(interfaces: readonly Interface[], address: string | null): string | null {
  const there = interfaces.find(({ ipv4, mac }) => mac !== null && address !== null && ipv4.includes(address));
  if (there) return there.mac;
  const real = interfaces.filter(
    ({ mac, kind, linkType, ipv4 }) => mac !== null && kind === null && linkType === "ether" && ipv4.length > 0,
  );
  return real.length === 1 ? (real[0]?.mac ?? null) : null;
}

/** The address in the WireGuard network; Tailscale's (100.64/10) is none. Null when there is none. */
export function vpnAddress(interfaces: readonly Interface[]): string | null {
  const isUp = ({ flags }: Interface) => flags.includes("UP");
  const named = interfaces.find((one) => one.kind === "wireguard" && isUp(one) && one.ipv4.length > 0);
  if (named) return named.ipv4[0] ?? null;
  const looksSo = interfaces.find(
    (one) =>
      one.kind === null &&
      one.linkType === "none" &&
      isUp(one) &&
      ["POINTOPOINT", "NOARP"].every((flag) => one.flags.includes(flag)) &&
      one.ipv4.some((address) => !isShared(address)),
  );
  return looksSo?.ipv4.find((address) => !isShared(address)) ?? null;
}

/** 100.64.0.0/10 (RFC 6598). */
function isShared(address: string): boolean {
  const [first, second = 0] = address.split(".").map(Number);
  return first === 100 && second >= 64 && second <= 127;
}

function macOf(address: string | null): string | null {
  const lower = address?.toLowerCase() ?? "";
  return MAC.test(lower) && lower !== "00:00:00:00:00:00" ? lower : null;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value.slice(0, MOST) : []);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
