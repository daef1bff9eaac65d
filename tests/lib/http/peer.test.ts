import { expect, test } from "bun:test";
import { clientAddress } from "../../../lib/http/peer.ts";

const PROXIES = ["10.0.0.0/8", "fd00::1"];

test.each([
  ["without a proxy it is the connection", "192.168.1.7", null, "192.168.1.7"],
  ["an IPv4 address on an IPv6 socket is shown as one", "::ffff:192.168.1.7", null, "192.168.1.7"],
  ["what a client writes itself does not count", "192.168.1.7", "1.2.3.4", "192.168.1.7"],
  ["a trusted proxy tells who asked it", "10.0.0.2", "192.168.1.7", "192.168.1.7"],
  ["through two trusted proxies", "fd00::1", "192.168.1.7, 10.0.0.2", "192.168.1.7"],
  ["what stands before the client is the client's own word", "10.0.0.2", "1.2.3.4, 192.168.1.7", "192.168.1.7"],
  ["words that are no address end the search", "10.0.0.2", "192.168.1.7, unknown", "10.0.0.2"],
  ["IPv6 in brackets", "10.0.0.2", "[fd12::7]:4711", "fd12::7"],
  ["an empty header", "10.0.0.2", "", "10.0.0.2"],
])("%s", (_, peer, forwarded, expected) => {
  expect(clientAddress(peer, forwarded, PROXIES)).toBe(expected);
});

test("without a connection there is none", () => {
  expect(clientAddress(null, "1.2.3.4", PROXIES)).toBeNull();
});
