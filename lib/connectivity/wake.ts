/** Wake-on-LAN: the magic packet (six times FF, then sixteen times the address), as a UDP broadcast. */
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";

/** "Discard", the port that Wake-on-LAN tools use. */
export const WAKE_PORT = 9;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const REPEATS = 16;
/** UDP may lose a packet; a machine that is on ignores all of them. */
const TIMES = 3;

export const isMac = (text: string): boolean => MAC.test(text) && text !== "00:00:00:00:00:00";

/** @throws RangeError for anything but six pairs of lower-case hex digits with colons */
export function magicPacket(mac: string): Uint8Array {
  if (!isMac(mac)) throw new RangeError("This is not a hardware address.");
  const address = mac.split(":").map((pair) => Number.parseInt(pair, 16));
  return Uint8Array.from([...Array(6).fill(0xff), ...Array.from({ length: REPEATS }, () => address).flat()]);
}

/** The broadcast address of each IPv4 network that this machine is in, and that of all of them. */
export function broadcastAddresses(interfaces = networkInterfaces()): string[] {
  const own = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => broadcastOf(address, netmask));
  return [...new Set([...own, "255.255.255.255"])];
}

function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split(".").map(Number);
  return address
    .split(".")
    .map((byte, index) => Number(byte) | (~(mask[index] ?? 255) & 0xff))
    .join(".");
}

/** @returns the addresses that it went out to. @throws when it could be sent to none of them */
export async function wake(mac: string, addresses: readonly string[], port = WAKE_PORT): Promise<string[]> {
  const packet = magicPacket(mac);
  const socket = createSocket("udp4");
  const send = (address: string) =>
    new Promise<void>((resolve, reject) =>
      socket.send(packet, port, address, (error) => (error ? reject(error) : resolve())),
    );
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, resolve);
    });
    socket.setBroadcast(true);
    const sent = new Set<string>();
    let failure: unknown;
    for (let time = 0; time < TIMES; time += 1)
      for (const address of addresses) {
        try {
          await send(address);
          sent.add(address);
        } catch (error) {
          failure = error;
        }
      }
    if (sent.size === 0) throw failure ?? new Error("There is no network to send it to.");
    return [...sent];
  } finally {
    socket.close();
  }
}
