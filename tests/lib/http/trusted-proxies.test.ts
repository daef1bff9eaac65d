import { expect, test } from "bun:test";
import { proxyList } from "../../../lib/http/trusted-proxies.ts";

test("an address counts as itself, however the socket writes it", () => {
  const isTrusted = proxyList(["10.0.0.7", "fd00::7"]);

  expect(["10.0.0.7", "::ffff:10.0.0.7", "fd00::7"].map(isTrusted)).toEqual([true, true, true]);
  expect(["10.0.0.8", "::1", "", "unknown"].map(isTrusted)).toEqual([false, false, false, false]);
});

test("a network counts with all its addresses", () => {
  const isTrusted = proxyList(["127.0.0.0/8", "fd00::/64"]);

  expect(["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "fd00::1"].map(isTrusted)).toEqual([true, true, true, true]);
  expect(["128.0.0.1", "fd01::1"].map(isTrusted)).toEqual([false, false]);
});

test("what is no address or network matches nothing and breaks nothing", () => {
  const isTrusted = proxyList(["", "proxy", "10.0.0.0/99", "10.0.0.0/x", "*"]);

  expect(["10.0.0.1", "127.0.0.1"].map(isTrusted)).toEqual([false, false]);
});
