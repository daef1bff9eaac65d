import { afterEach, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { broadcastAddresses, isMac, magicPacket, wake } from "../../../lib/connectivity/wake.ts";
import { requirement } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const MAC = "02:00:5e:10:00:1f";
const BYTES = [0x02, 0x00, 0x5e, 0x10, 0x00, 0x1f];

let socket: Socket | undefined;
afterEach(() => {
  socket?.close();
  socket = undefined;
});

/** Everybody who listens on that port of the loopback network. */
async function listener(): Promise<{ port: number; packets: Buffer[] }> {
  const made = createSocket("udp4");
  socket = made;
  const packets: Buffer[] = [];
  made.on("message", (packet) => packets.push(packet));
  await new Promise<void>((resolve) => made.bind(0, "0.0.0.0", resolve));
  return { port: made.address().port, packets };
}

describe("the magic packet", () => {
  test("is six times FF and sixteen times the address: 102 bytes", () => {
    const packet = magicPacket(MAC);

    expect(packet).toHaveLength(102);
    expect([...packet.slice(0, 6)]).toEqual(Array(6).fill(0xff));
    for (let at = 6; at < 102; at += 6) expect([...packet.slice(at, at + 6)]).toEqual(BYTES);
  });

  for (const wrong of [
    "",
    "02:00:5e:10:00",
    "02-00-5e-10-00-1f",
    "02:00:5E:10:00:1F",
    "00:00:00:00:00:00",
    `${MAC}:00`,
  ])
    test(`is not made for ${JSON.stringify(wrong)}`, () => {
      expect(isMac(wrong)).toBe(false);
      expect(() => magicPacket(wrong)).toThrow(RangeError);
    });
});

test("it goes to the broadcast address of each network, loopback left out, and to all of them", () => {
  const at = (address: string, netmask: string, internal = false) => ({
    address,
    netmask,
    internal,
    family: "IPv4" as const,
    mac: MAC,
    cidr: null,
  });
  const interfaces = {
    lo: [at("127.0.0.1", "255.0.0.0", true)],
    eth0: [at("10.77.40.20", "255.255.255.0")],
    eth1: [at("10.77.5.9", "255.255.252.0")],
  };

  expect(broadcastAddresses(interfaces)).toEqual(["10.77.40.255", "10.77.7.255", "255.255.255.255"]);
});

requirement(
  "a broadcast on loopback",
  process.platform === "linux",
  "needs Linux",
)("over UDP", () => {
  test("everybody on the network hears it", async () => {
    const { port, packets } = await listener();

    expect(await wake(MAC, ["127.255.255.255"], port)).toEqual(["127.255.255.255"]);

    await until("the packet has arrived", () => packets.length > 0);
    expect(packets[0]!.equals(magicPacket(MAC))).toBe(true);
  });

  test("a network that takes nothing does not keep it from the others; without any it is an error", async () => {
    const { port, packets } = await listener();

    expect(await wake(MAC, ["not-an-address.invalid", "127.255.255.255"], port)).toEqual(["127.255.255.255"]);
    await until("the packet has arrived", () => packets.length > 0);
    await expect(wake(MAC, [], port)).rejects.toThrow();
  });
});
