import { expect, test } from "bun:test";
import { corsHeaders } from "../../../lib/http/cors.ts";

const methods = () => ["GET", "HEAD", "OPTIONS"];
const asked = { origin: "https://crm.example", preflight: null, allowedOrigins: ["https://crm.example"], methods };

test("is off unless an origin is listed", () => {
  expect(corsHeaders({ ...asked, allowedOrigins: [] })).toEqual({});
});

test("names the listed origin that asks, and never another one or a wildcard", () => {
  expect(corsHeaders(asked)).toMatchObject({ vary: "Origin", "access-control-allow-origin": "https://crm.example" });
  for (const origin of ["https://evil.example", "null", "https://crm.example.evil.example", null])
    expect(corsHeaders({ ...asked, origin })).toEqual({ vary: "Origin" });
});

test("a preflight learns the methods of the path and the headers that may be sent", () => {
  expect(corsHeaders({ ...asked, preflight: "GET" })).toMatchObject({
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": expect.stringContaining("content-type"),
  });
  expect(corsHeaders(asked)).not.toHaveProperty("access-control-allow-methods");
});
