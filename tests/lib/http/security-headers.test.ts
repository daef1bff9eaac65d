import { expect, test } from "bun:test";
import { answerHeaders, isTrustworthy } from "../../../lib/http/security-headers.ts";

test("every part of the policy is the one that was decided on", () => {
  expect(answerHeaders("id")["content-security-policy"]?.split("; ")).toEqual([
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "media-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ]);
});

test.each([
  ["localhost:9999", null, true],
  ["spark.localhost", null, true],
  ["127.0.0.1:80", null, true],
  ["[::1]:9999", null, true],
  ["10.0.0.2:9999", null, false],
  ["127.0.0.1.example.com", null, false],
  ["localhost.example.com", null, false],
  ["box.local", null, false],
  ["box.local", "https", true],
  ["box.local", "http", false],
  [null, null, false],
])("host %p by %p is a trustworthy origin: %p", (host, scheme, expected) => {
  expect(isTrustworthy(host, scheme)).toBe(expected);
});
