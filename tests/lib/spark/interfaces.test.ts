import { describe, expect, test } from "bun:test";
import { macAt, readInterfaces, vpnAddress } from "../../../lib/spark/interfaces.ts";
import { BUSYBOX, GB10 } from "../hardware/_recorded.ts";

const json = readInterfaces(GB10.interfaces);
const text = readInterfaces(BUSYBOX.interfacesText);

describe("the interfaces of a Spark", () => {
  test("are read from JSON and from text", () => {
    expect(json.map(({ name }) => name)).toEqual(["lo", "enP7s7", "tailscale0", "home"]);
    expect(json[1]).toEqual({
      name: "enP7s7",
      mac: "02:bb:47:00:00:01",
      ipv4: ["10.77.0.11"],
      kind: null,
      linkType: "ether",
      flags: ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    });
    expect(text.map(({ name, ipv4 }) => [name, ...ipv4])).toEqual([
      ["lo", "127.0.0.1"],
      ["eth0", "172.17.0.1"],
      ["wg0", "10.77.13.7"],
      ["wg1", "10.77.13.8"],
    ]);
  });

  for (const output of ["", "[", "[null, 3, {}]", '[{"ifname":"a/b"}]', "Usage: ip", '{"ifname":"x"}'])
    test(`are none in ${JSON.stringify(output)}`, () => expect(readInterfaces(output)).toEqual([]));
});

describe("the hardware address", () => {
  test("is that of the interface by which the Spark is reached", () => {
    expect(macAt(json, "10.77.0.11")).toBe("02:bb:47:00:00:01");
    expect(macAt(text, "172.17.0.1")).toBe("02:42:ac:11:00:02");
  });

  test("behind a translated address is that of the only real interface, and with two of them not known", () => {
    expect(macAt(json, "203.0.113.9")).toBe("02:bb:47:00:00:01");
    expect(macAt([...json, { ...json[1]!, name: "enP8s8", mac: "02:bb:47:00:00:02" }], "203.0.113.9")).toBeNull();
    expect(macAt([], "10.77.0.11")).toBeNull();
  });
});

describe("the address in the VPN", () => {
  test("is WireGuard's, not Tailscale's", () => {
    expect(vpnAddress(json)).toBe("10.77.13.2");
    expect(vpnAddress(json.filter(({ name }) => name !== "home"))).toBeNull();
  });

  test("is found without the kind, by what a WireGuard interface looks like", () => {
    const plain = json.map((one) => ({ ...one, kind: null }));
    expect(vpnAddress(plain)).toBe("10.77.13.2");
    expect(vpnAddress(plain.filter(({ name }) => name !== "home"))).toBeNull();
  });

  test("is none while the interface is down", () => {
    expect(vpnAddress(json.map((one) => ({ ...one, flags: one.flags.filter((flag) => flag !== "UP") })))).toBeNull();
  });
});
